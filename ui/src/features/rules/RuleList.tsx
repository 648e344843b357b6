import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowDown, ArrowRight, ArrowUp, Trash2 } from "lucide-react";
import { useState } from "react";
import { messageOf } from "@/lib/api/client";
import { deleteRule, type MappingRule, orderRules, updateRule } from "@/lib/api/rules";
import { cx } from "@/lib/cx";
import { formatAgo, formatInstant } from "@/lib/format";
import { Button, IconButton } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import styles from "./RuleList.module.css";

interface Props {
  rules: MappingRule[];
  current: MappingRule | undefined;
  onOpen: (rule: MappingRule) => void;
  /** Something was saved: stored runs are behind. */
  onChanged: () => void;
}

/** The strongest first: when two rules fill the same field, the upper one does. */
export function RuleList({ rules, current, onOpen, onChanged }: Props) {
  const client = useQueryClient();
  const [leaving, setLeaving] = useState<MappingRule | null>(null);
  const change = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onSuccess: onChanged,
    onSettled: () => client.invalidateQueries({ queryKey: ["rules"] }),
  });
  const toggle = ({ id, name, attribute, field, enabled }: MappingRule) =>
    change.mutate(() => updateRule(id, { name, attribute, field, enabled: !enabled }));
  const move = (from: number, to: number) => {
    const ids = rules.map((rule) => rule.id);
    ids.splice(to, 0, ...ids.splice(from, 1));
    change.mutate(() => orderRules(ids));
  };
  return (
    <>
      {change.isError ? (
        <p className={styles.failed} role="alert">
          {messageOf(change.error)}
        </p>
      ) : null}
      <ol className={styles.list} aria-label="Mapping rules, the strongest first" aria-busy={change.isPending}>
        {rules.map((rule, index) => (
          <li
            key={rule.id}
            className={cx(styles.rule, rule === current && styles.current, !rule.enabled && styles.off)}
          >
            <button
              type="button"
              role="switch"
              aria-checked={rule.enabled}
              aria-label={`Use ${rule.name}`}
              title={rule.enabled ? "In use" : "Switched off"}
              className={styles.switch}
              disabled={change.isPending}
              onClick={() => toggle(rule)}
            />
            <button type="button" className={styles.open} aria-current={rule === current} onClick={() => onOpen(rule)}>
              <b>{rule.name}</b>
              <span className={styles.map}>
                <code>{rule.attribute}</code>
                <ArrowRight size={12} aria-label="fills" />
                <code>{rule.field}</code>
              </span>
            </button>
            <time className={styles.time} title={`created ${formatInstant(rule.created_at)}`}>
              {formatAgo(rule.created_at)}
            </time>
            <span className={styles.actions}>
              <IconButton
                label={`Move ${rule.name} up`}
                disabled={index === 0 || change.isPending}
                onClick={() => move(index, index - 1)}
              >
                <ArrowUp size={13} aria-hidden />
              </IconButton>
              <IconButton
                label={`Move ${rule.name} down`}
                disabled={index === rules.length - 1 || change.isPending}
                onClick={() => move(index, index + 1)}
              >
                <ArrowDown size={13} aria-hidden />
              </IconButton>
              <IconButton label={`Delete ${rule.name}`} onClick={() => setLeaving(rule)}>
                <Trash2 size={13} aria-hidden />
              </IconButton>
            </span>
          </li>
        ))}
      </ol>
      {leaving ? (
        <Dialog title={`Delete “${leaving.name}”?`} width={440} onClose={() => setLeaving(null)}>
          <p className={styles.ask}>
            New spans are mapped without it. Stored runs keep what it filled until they are mapped again. To pause it,
            switch it off instead.
          </p>
          <div className={styles.answers}>
            <Button onClick={() => setLeaving(null)}>Keep it</Button>
            <Button
              look="primary"
              onClick={() => {
                change.mutate(() => deleteRule(leaving.id));
                setLeaving(null);
              }}
            >
              Delete rule
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
