import { cx } from "@/lib/cx";
import styles from "./Bones.module.css";

interface Props {
  count: number;
  /** Pixels of each, as high as what comes. */
  height: number;
  /** Where they stand. */
  className?: string;
}

/** What stands where something loads, in the geometry of what comes. Nothing for the first moment. */
export const Bones = ({ count, height, className }: Props) => (
  <div className={cx(styles.bones, className)} aria-busy>
    {Array.from({ length: count }, (_, index) => (
      <i key={index} style={{ height }} />
    ))}
  </div>
);

/** The rows of a table. */
export const RowBones = ({ count = 12 }: { count?: number }) => (
  <Bones count={count} height={24} className={styles.rows} />
);
