/**
 * Vitest reporter of `npm test`: writes to the file TEST_REPORT how many tests passed, failed and were skipped, what
 * failed and with which message, and which blocks were left out. Errors outside of tests (a rejection that nobody
 * handles, a worker that dies) count as failures too.
 */
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { SerializedError, TestCase, TestModule } from "vitest/node";

export interface TestReport {
  passed: number;
  failed: number;
  skipped: number;
  /** File, full name and first line of the message of each failure. */
  failures: string[];
  /** Names of the outermost blocks of tests that were skipped. */
  leftOut: string[];
}

const firstLine = (error: { message?: string } | undefined): string =>
  error?.message?.split("\n")[0]?.slice(0, 300) ?? "no message";

function outermost(test: TestCase): string {
  let block: TestCase["parent"] = test.parent;
  let name = test.name;
  for (; block.type === "suite"; block = block.parent) name = block.name;
  return name;
}

export default class {
  /** Called by vitest when all is over. */
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const report: TestReport = { passed: 0, failed: 0, skipped: 0, failures: [], leftOut: [] };
    const fail = (what: string, error: { message?: string } | undefined) => {
      report.failed += 1;
      report.failures.push(`${what}: ${firstLine(error)}`);
    };
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      for (const error of module.errors()) fail(file, error);
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) fail(`${file} > ${suite.fullName}`, error);
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") report.passed += 1;
        else if (result.state === "failed") fail(`${file} > ${test.fullName}`, result.errors[0]);
        else {
          report.skipped += 1;
          report.leftOut.push(outermost(test));
        }
      }
    }
    for (const error of errors) fail("outside of tests", error);
    writeFileSync(process.env["TEST_REPORT"]!, JSON.stringify(report));
  }
}
