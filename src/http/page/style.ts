/** The page's style: dark and light as the reader's system says, one column on a phone. */

export const STYLE = `:root {
  color-scheme: light dark;
  --ink: light-dark(#1c2024, #e6e8ea);
  --dim: light-dark(#5b636b, #9aa3ab);
  --paper: light-dark(#fbfbfa, #14171a);
  --raised: light-dark(#ffffff, #1c2024);
  --line: light-dark(#dfe2e5, #30363c);
  --good: light-dark(#17713b, #63c98a);
  --bad: light-dark(#b3261e, #ff8f85);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 68rem;
  padding: 1.5rem 1rem 4rem;
  background: var(--paper);
  color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif;
}
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 2.5rem 0 0.5rem; font-size: 1.15rem; }
p { margin: 0.25rem 0; max-width: 44rem; }
.dim { color: var(--dim); }
.good { color: var(--good); }
.bad { color: var(--bad); font-weight: 600; }
a { color: inherit; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--raised); }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.75rem; text-align: left; white-space: nowrap; vertical-align: top; }
th { color: var(--dim); font-size: 0.8rem; font-weight: 600; }
tr + tr > td, thead + tbody > tr > td { border-top: 1px solid var(--line); }
.number { text-align: right; }
pre {
  margin: 0.5rem 0;
  padding: 0.75rem 1rem;
  overflow-x: auto;
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  background: var(--raised);
  font: 0.85rem/1.6 ui-monospace, monospace;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
@media (max-width: 40rem) {
  body { padding: 1rem 0.75rem 3rem; }
  th, td { padding: 0.35rem 0.5rem; font-size: 0.9rem; }
  .spare { display: none; }
}
`;
