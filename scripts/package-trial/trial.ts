/** Counts the steps of a trial and prints each as it ends. */

export class Trial {
  passed = 0;
  failed = 0;

  /** Runs a step; false where it failed, so that what builds upon it is left out. */
  async step(name: string, run: () => void | Promise<void>): Promise<boolean> {
    const startedMs = performance.now();
    let problem: unknown;
    try {
      await run();
    } catch (error) {
      problem = error;
    }
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${problem === undefined ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
    if (problem === undefined) this.passed++;
    else {
      this.failed++;
      console.log(problem instanceof Error ? problem.message : problem);
    }
    return problem === undefined;
  }

  note(text: string): void {
    console.log(`     ${text}`);
  }
}
