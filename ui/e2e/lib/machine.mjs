// How much of a core a busy process gets at this moment. Budgets of time are stretched by it, so that a test that runs
// beside a compiler measures our code and not the compiler.

/** More than this is no measurement of anything. */
const MOST = 6;

/** 1 on a quiet machine, 3 where a busy process runs a third of the time. The median of three looks. */
export function crowding() {
  const looks = [look(100), look(100), look(100)].toSorted((a, b) => a - b);
  return Math.min(MOST, looks[1]);
}

function look(ms) {
  const start = performance.now();
  const before = process.cpuUsage();
  let x = 0;
  while (performance.now() - start < ms) x += Math.sqrt(x + 1);
  const used = process.cpuUsage(before);
  const wall = (performance.now() - start) * 1000;
  return Math.max(1, wall / (used.user + used.system));
}
