// Computes medians and prints tables.

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

// Returns the text of a table.  The first column is aligned to the left, the
// others to the right.
//   columns  [{ title, digits }]; digits: after the decimal point, 0 by default
//   rows     arrays of numbers and strings; NaN is shown as "-"
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

// Returns the table of a comparison.  "of plain" and "added" are computed
// within each round, and the table shows their medians over all rounds.  Ratios
// of medians would vary more, because a disturbance of the machine hits all
// contenders of its round.
//   rounds  { contender: [result of round() for each round] }.  direct has one
//           result, which is compared with the first of plain
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
