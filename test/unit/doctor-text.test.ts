import { expect, it } from 'vitest';
import type { DoctorReport, Finding } from '../../src/doctor/finding.ts';
import { worst } from '../../src/doctor/finding.ts';
import { doctorText } from '../../src/maintenance/doctor-text.ts';

const report = (findings: Finding[]): DoctorReport => ({
  verdict: worst(findings.map(({ level }) => level)),
  version: '1.2.3',
  schema: 'daybook',
  findings,
});

it('shows what is well in a line, and what is not with what to do', () => {
  const text = doctorText(
    report([
      { check: 'server', level: 'fine', message: 'PostgreSQL 18.4' },
      { check: 'settings', level: 'risky', message: 'fsync is off', advice: 'Switch it on.' },
      {
        check: 'schema',
        level: 'wrong',
        subject: 'column a.b',
        message: 'column a.b is not as expected',
        expected: 'smallint',
        found: 'integer',
        advice: 'Put it back.',
      },
    ]),
  );
  expect(text).toBe(
    [
      'Daybook 1.2.3, schema daybook',
      'fine   server    PostgreSQL 18.4',
      'risky  settings  fsync is off',
      '                 try: Switch it on.',
      'wrong  schema    column a.b is not as expected',
      '                 expected: smallint',
      '                 found:    integer',
      '                 try: Put it back.',
      '1 wrong, 1 risky.',
    ].join('\n'),
  );
});

it('says so where all is well', () => {
  const text = doctorText(report([{ check: 'clock', level: 'fine', message: 'they agree' }]));
  expect(text.split('\n').at(-1)).toBe('All is well.');
});
