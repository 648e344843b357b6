/** Height of a row of the grid; `--row` in the tokens is the same. */
export const ROW_PX = 26;
