import { errorCatalogue } from '../../kernel/error-catalogue.ts';
import type { ApiServer } from '../operation.ts';
import { httpAnswers } from '../problem.ts';

/** GET /docs/errors: where the `type` of a problem leads, with one section per code. */
export function errorPages(app: ApiServer): void {
  const page = htmlOfCatalogue();
  app.route({
    method: 'GET',
    url: '/docs/errors',
    schema: { hide: true },
    handler: (_request, reply) => {
      reply.type('text/html; charset=utf-8');
      return Promise.resolve(page);
    },
  });
}

function htmlOfCatalogue(): string {
  const sections = Object.entries(errorCatalogue).map(([code, { title, advice }]) => {
    const status = httpAnswers[code as keyof typeof errorCatalogue]?.status;
    const line = status === undefined ? 'Not an answer over HTTP.' : `HTTP ${status}.`;
    return `<section id="${code}"><h2>${code}</h2><p>${escaped(title)}. ${line}</p><p>${escaped(advice)}</p></section>`;
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Errors of Daybook</title>
<style>body{font:16px/1.5 system-ui;max-width:44rem;margin:2rem auto;padding:0 1rem}h2{font:600 1.1rem monospace}:target{background:#ff06}</style>
</head><body><h1>Errors of Daybook</h1>${sections.join('\n')}</body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
