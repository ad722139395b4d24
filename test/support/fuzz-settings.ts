/** The same seed sends the same requests; another one others. */
export const FUZZ_SEED = Number(process.env['DAYBOOK_FUZZ_SEED'] ?? 7_070);

/** Requests to all operations together; at least. */
export const FUZZ_REQUESTS = Number(process.env['DAYBOOK_FUZZ_REQUESTS'] ?? 4_000);
