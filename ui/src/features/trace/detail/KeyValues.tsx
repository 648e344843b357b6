import { Link } from "@tanstack/react-router";
import { Search, Shuffle } from "lucide-react";
import { type ReactNode, useState } from "react";
import { BigNumber, printJson } from "@/lib/api/json";
import { showTurns } from "@/lib/visible-text";
import { CopyButton } from "@/components/CopyButton";
import { SentText } from "@/components/SentText";
import styles from "./KeyValues.module.css";

export interface Group {
  title: string;
  values: Record<string, unknown>;
  /** What is said beside a value: where it came from, or what it fills. */
  aside?: (name: string) => ReactNode;
  /** The names are attributes of this run, from which a mapping rule can be made. */
  ruleFor?: { project: string; trace: string; run: string };
}

const SHOWN_CHARS = 2000;
/** Fewer rows need no filter. */
const FILTER_ABOVE = 8;

/** Names and values in groups, with a filter over both. */
export function KeyValues({ groups }: { groups: Group[] }) {
  const [filter, setFilter] = useState("");
  const needle = filter.trim().toLowerCase();
  const shown = groups
    .map((group) => ({
      title: group.title,
      aside: group.aside,
      ruleFor: group.ruleFor,
      rows: Object.entries(group.values)
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([name, value]) => ({ name, text: textOf(value) }))
        .filter(
          ({ name, text }) =>
            needle === "" || name.toLowerCase().includes(needle) || text.toLowerCase().includes(needle),
        ),
    }))
    .filter((group) => group.rows.length > 0);
  const total = groups.reduce((sum, group) => sum + Object.keys(group.values).length, 0);
  return (
    <>
      {total > FILTER_ABOVE ? (
        <label className={styles.filter}>
          <Search size={13} aria-hidden />
          <span className="sr">Filter names and values</span>
          <input
            value={filter}
            placeholder="Filter names and values"
            spellCheck={false}
            onChange={(event) => setFilter(event.target.value)}
            onKeyDown={(event) => event.key === "Escape" && setFilter("")}
          />
        </label>
      ) : null}
      {shown.map((group) => (
        <section key={group.title}>
          <h3 className={styles.title}>{group.title}</h3>
          <dl className={styles.list}>
            {group.rows.map(({ name, text }) => (
              <div key={name}>
                <dt>
                  <SentText text={name} />
                </dt>
                <dd>
                  <span>
                    <SentText text={text.slice(0, SHOWN_CHARS)} />
                    {text.length > SHOWN_CHARS ? `… (${text.length} characters, all under Raw)` : null}
                  </span>
                  <CopyButton text={text} label={`Copy ${name}`} size={11} />
                  {group.aside?.(name)}
                  {group.ruleFor ? <RuleLink attribute={name} {...group.ruleFor} /> : null}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      {shown.length === 0 ? (
        <p className={styles.none}>{needle ? `Nothing matches “${filter}”.` : "Nothing was recorded."}</p>
      ) : null}
    </>
  );
}

/** From an attribute that fills nothing to a rule that makes it fill something. */
function RuleLink({ attribute, project, trace, run }: { attribute: string } & NonNullable<Group["ruleFor"]>) {
  const label = `Make a mapping rule for ${showTurns(attribute)}`;
  return (
    <Link
      to="/p/$project/settings/rules"
      params={{ project }}
      search={{ rule: "new", attribute, trace, run }}
      className={styles.rule}
      aria-label={label}
      title={label}
      preload={false}
    >
      <Shuffle size={11} aria-hidden />
    </Link>
  );
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof BigNumber) return value.digits;
  return typeof value === "object" ? printJson(value) : String(value);
}
