#!/usr/bin/env node
// Any Node from 20 gets here; the bootstrap hands over to the project's own.
process.argv.splice(2, 0, "tapedeck");
await import("../../../scripts/bootstrap.mjs");
