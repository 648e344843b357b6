import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Commit, costPerCall, USAGE_DAYS, type Usage } from "@/lib/api/prompts";
import { cx } from "@/lib/cx";
import { formatAgo, formatCost, formatDuration, formatInt, formatPercent, formatTokens, UNKNOWN } from "@/lib/format";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Tag } from "@/components/Tag";
import { changeOf, formatChange, verdictOf } from "./effect";
import styles from "./EffectView.module.css";
import { microsOf, shortHash } from "./times";
import type { Versions } from "./useVersions";
import { usageOf } from "./VersionList";

interface Props {
  project: string;
  versions: Versions;
  usage: UseQueryResult<Map<string, Usage>>;
  commit: Commit;
  onOpen: (hash: string) => void;
}

interface Measured {
  commit: Commit;
  usage: Usage;
}

/** What each version did to cost, time and failures of the calls that name it. */
export function EffectView({ project, versions, usage, commit, onOpen }: Props) {
  if (usage.isError)
    return (
      <ErrorState title="The calls could not be counted" error={usage.error} onRetry={() => void usage.refetch()} />
    );
  if (usage.data === undefined) return <p className={styles.wait}>Counting the calls of the past {USAGE_DAYS} days…</p>;
  const measured = versions.commits.flatMap((one): Measured[] => {
    const found = usageOf(usage.data, one);
    return found ? [{ commit: one, usage: found }] : [];
  });
  if (measured.length === 0) return <NoCalls />;
  const at = measured.findIndex((one) => one.commit === commit);
  const [now, before] = [measured[at], measured[at + 1]];
  return (
    <div className={styles.effect}>
      {now && before ? (
        <p className={styles.verdict}>
          <b className="mono">{shortHash(now.commit.commit_hash)}</b> {verdictOf(before.usage, now.usage)}, compared
          with <b className="mono">{shortHash(before.commit.commit_hash)}</b>.
        </p>
      ) : now ? null : (
        <p className={styles.verdict}>
          No call of the past {USAGE_DAYS} days names <b className="mono">{shortHash(commit.commit_hash)}</b>.
        </p>
      )}
      <Table project={project} measured={measured} current={commit} versions={versions} onOpen={onOpen} />
      <p className={styles.note}>
        Model calls of all projects in the past {USAGE_DAYS} days that name the version in their metadata (
        <span className="mono">lc_hub_repo</span>, <span className="mono">lc_hub_commit_hash</span>), which LangChain
        does by itself with prompts that were pulled. Changes are against the version below.
      </p>
    </div>
  );
}

function NoCalls() {
  return (
    <EmptyState title="No call names this prompt yet">
      <p>
        Pull it with <span className="mono">client.pull_prompt(…)</span> and use it in a LangChain chain, or set{" "}
        <span className="mono">lc_hub_repo</span> and <span className="mono">lc_hub_commit_hash</span> in the metadata
        of the call. Cost, latency and failures then stand here for each version.
      </p>
    </EmptyState>
  );
}

interface TableProps {
  project: string;
  measured: Measured[];
  current: Commit;
  versions: Versions;
  onOpen: (hash: string) => void;
}

function Table({ project, measured, current, versions, onOpen }: TableProps) {
  const most = Math.max(...measured.map((one) => one.usage.calls));
  const numbers = ["Calls", "Cost per call", "P50 latency", "Failed", "Tokens in", "Tokens out"];
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">Version</th>
          {numbers.map((title) => (
            <th key={title} scope="col" className={styles.number}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {measured.map(({ commit, usage }, index) => {
          const before = measured[index + 1]?.usage;
          const tags = versions.tags.filter((tag) => tag.commit_hash === commit.commit_hash);
          return (
            <tr key={commit.id} className={cx(commit === current && styles.current)}>
              <td>
                <button
                  type="button"
                  className="mono"
                  aria-current={commit === current}
                  onClick={() => onOpen(shortHash(commit.commit_hash))}
                >
                  {shortHash(commit.commit_hash)}
                </button>
                <span className={styles.ago}>{formatAgo(microsOf(commit.created_at))}</span>
                {tags.map((tag) => (
                  <Tag key={tag.tag_name}>{tag.tag_name}</Tag>
                ))}
              </td>
              <td className={styles.number}>
                <Link
                  to="/p/$project/traces"
                  params={{ project }}
                  search={{ q: `any(meta.lc_hub_commit_hash:${commit.commit_hash})`, t: `${USAGE_DAYS}d` }}
                  title="Traces of this project with these calls"
                >
                  {formatInt(usage.calls)}
                </Link>
                <i className={styles.bar} style={{ width: `${(100 * usage.calls) / most}%` }} />
              </td>
              <td className={styles.number}>
                {formatCost(costPerCall(usage))}
                <Delta change={before ? changeOf(costPerCall(before), costPerCall(usage)) : null} />
              </td>
              <td className={styles.number}>
                {formatDuration(usage.p50Us)}
                <Delta change={before ? changeOf(before.p50Us, usage.p50Us) : null} />
              </td>
              <td className={cx(styles.number, usage.failed > 0 && styles.failed)}>
                {usage.failed === 0 ? "0%" : formatPercent(usage.failed / usage.calls)}
              </td>
              <td className={styles.number}>{tokens(usage.inputTokens)}</td>
              <td className={styles.number}>{tokens(usage.outputTokens)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const tokens = (value: number | null): string => (value === null ? UNKNOWN : formatTokens(Math.round(value)));

/** A rise is marked in amber, a fall in green: less of both is better. */
function Delta({ change }: { change: number | null }) {
  const look = change === null || Math.abs(change) < 0.01 ? null : change > 0 ? styles.more : styles.less;
  return <span className={cx(styles.delta, look)}>{look && change !== null ? formatChange(change) : null}</span>;
}
