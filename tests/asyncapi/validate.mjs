// Reads the file named on the command line with the official parser; exits 1 with every error it finds.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
const errors = diagnostics.filter((found) => found.severity === 0);
for (const found of diagnostics) console.log(`${['error', 'warning', 'info', 'hint'][found.severity]}: ${found.path.join('.')}: ${found.message}`);
if (!document || errors.length) process.exit(1);
console.log(`valid: ${document.channels().all().length} channels, ${document.operations().all().length} operations`);
