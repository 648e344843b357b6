import { Calendar, Check, ChevronDown } from "lucide-react";
import { type FormEvent, useState } from "react";
import { formatInstant } from "@/lib/format";
import {
  absoluteRange,
  fromLocalInput,
  PRESETS,
  rangeLabel,
  rangeSpan,
  toLocalInput,
  zoneName,
} from "@/lib/time-range";
import { Button } from "./Button";
import { Popover } from "./Popover";
import styles from "./RangePicker.module.css";

interface Props {
  value: string;
  onChange: (range: string) => void;
}

export function RangePicker({ value, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const pick = (range: string) => {
    setOpen(false);
    onChange(range);
  };
  const span = rangeSpan(value);
  const exact = [span.from, span.to].map((us) => (us === null ? "open" : formatInstant(us))).join("\n");
  return (
    <Popover
      label="Time range"
      align="end"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button
          icon={<Calendar size={13} aria-hidden />}
          aria-label={`Time range: ${rangeLabel(value)}`}
          title={`Time range\n${exact}`}
        >
          <span className={styles.label}>{rangeLabel(value)}</span>
          <ChevronDown size={12} aria-hidden />
        </Button>
      }
    >
      <div className={styles.presets}>
        {PRESETS.map((preset) => (
          <button
            key={preset.value}
            type="button"
            className={styles.preset}
            aria-pressed={preset.value === value}
            onClick={() => pick(preset.value)}
          >
            {preset.label}
            {preset.value === value ? <Check size={13} aria-hidden /> : null}
          </button>
        ))}
      </div>
      <Exact value={value} onPick={pick} />
    </Popover>
  );
}

function Exact({ value, onPick }: { value: string; onPick: (range: string) => void }) {
  const span = rangeSpan(value);
  const [problem, setProblem] = useState("");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const from = fromLocalInput(String(data.get("from")));
    const to = fromLocalInput(String(data.get("to")));
    if (from !== null && to !== null && from >= to) setProblem("The end must be after the start.");
    else onPick(from === null && to === null ? "all" : absoluteRange(from, to));
  };
  return (
    <form className={styles.exact} onSubmit={submit}>
      <label>
        From
        <input type="datetime-local" name="from" step={1} defaultValue={toLocalInput(span.from)} />
      </label>
      <label>
        To
        <input type="datetime-local" name="to" step={1} defaultValue={toLocalInput(span.to)} />
      </label>
      {problem ? <p role="alert">{problem}</p> : null}
      <footer>
        <small>Your time zone: {zoneName()}</small>
        <Button type="submit">Apply</Button>
      </footer>
    </form>
  );
}
