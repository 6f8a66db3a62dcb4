/** CPU milliseconds of each of `repeats` runs, after `warm` runs that are not counted. */
export function cpuTimes(run: () => void, repeats: number, warm: number): number[] {
  for (let i = 0; i < warm; i++) run();
  return Array.from({ length: repeats }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
}
