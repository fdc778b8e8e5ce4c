// Medians and tables.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);

  return sorted.length % 2 ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

function format(value, digits) {
  return typeof value === 'number'
    ? (Number.isNaN(value) ? '-' : value.toFixed(digits)) : value;
}

// columns: [{ title, digits }].  The first column is aligned to the left, the
// others to the right.
export function table(columns, rows) {
  const cells = [columns.map(({ title }) => title),
                 ...rows.map((row) => row.map((value, index) =>
                   format(value, columns[index].digits ?? 0)))];
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((row) => row[index].length)));

  return cells.map((row) => row.map((cell, index) =>
    (index ? cell.padStart(widths[index]) : cell.padEnd(widths[index])))
    .join('  ').trimEnd()).join('\n');
}

const COLUMNS = [
  { title: '' },
  { title: 'requests/s' },
  { title: 'of plain', digits: 3 },
  { title: 'CPU us' , digits: 2 },
  { title: 'of plain', digits: 3 },
  { title: 'added us', digits: 2 },
  { title: 'Redis us', digits: 2 },
  { title: 'p99 ms', digits: 2 },
];

// rounds: { contender: [result of each round] }.  A ratio is the median over
// the rounds, not a ratio of two medians, because a disturbance hits both
// contenders of a round.
export function summary(rounds) {
  const paired = (results, key, combine) => median(results
    .slice(0, rounds.plain.length)
    .map((result, index) => combine(result[key], rounds.plain[index][key])));
  const over = (a, b) => a / b;
  const minus = (a, b) => a - b;

  return table(COLUMNS, Object.entries(rounds).map(([name, results]) => [
    name,
    median(results.map(({ rate }) => rate)),
    paired(results, 'rate', over),
    median(results.map(({ nginx }) => nginx)),
    paired(results, 'nginx', over),
    paired(results, 'nginx', minus),
    median(results.map(({ redis }) => redis)),
    median(results.map(({ p99 }) => p99)) / 1e3,
  ]));
}
