import styles from "./Bones.module.css";

/** Share of the width of each row: a tree, roughly. */
const ROWS = [46, 22, 28, 31, 24, 35, 18, 27, 33, 21, 29, 25, 37, 19, 26, 30];

/** The geometry of the page while the trace is on its way. */
export const Bones = () => (
  <div className={styles.bones} aria-hidden>
    <div className={styles.strip}>
      <i />
      <i />
      <i />
      <i />
    </div>
    <div className={styles.tools} />
    <div className={styles.over} />
    <div className={styles.rows}>
      {ROWS.map((width, row) => (
        <i key={row} style={{ width: `${width}%`, marginLeft: Math.min(row, 1) * 18 }} />
      ))}
    </div>
  </div>
);
