import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Plus, Shuffle } from "lucide-react";
import { useState } from "react";
import { type MappingRule, rulesQuery } from "@/lib/api/rules";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { useTitle } from "@/lib/title";
import { Button } from "@/components/Button";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Remap } from "./Remap";
import { RuleForm } from "./RuleForm";
import { RuleList } from "./RuleList";
import forms from "@/components/Form.module.css";
import styles from "./RulesPage.module.css";
import { NEW, type RulesSearch, validateRulesSearch } from "./search";

const route = getRouteApi("/p/$project/settings/rules");

/** Mapping rules of the workspace: list, form with a test box, and the mapping of stored runs again. */
export function RulesPage() {
  const { project } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(rulesQuery());
  // After a change the stored runs are behind the rules: said until a job was started.
  const [changed, setChanged] = useState(false);
  useTitle("Mapping rules");
  const set = (patch: RulesSearch, replace = false) =>
    void navigate({ search: (old) => validateRulesSearch({ ...old, ...patch }), replace });
  const open = (rule: string | undefined) => set({ rule, attribute: undefined });
  useCommands([
    { id: "new-rule", title: "New mapping rule", group: "Rules", keys: ["n"], run: () => open(NEW) },
    { id: "close-rule", title: "Close the rule", group: "Rules", keys: ["Escape"], run: () => open(undefined) },
  ]);
  const list = query.data;
  const current = list?.rules.find((rule) => rule.id === search.rule);
  const editing = list !== undefined && (search.rule === NEW || current !== undefined);
  return (
    <Page busy={query.isPending}>
      <PageBar
        project={project}
        parents={["Settings"]}
        current="Mapping rules"
        actions={
          <Button look="primary" icon={<Plus size={13} aria-hidden />} onClick={() => open(NEW)}>
            New rule
          </Button>
        }
      />
      <div className={cx(forms.sides, editing && forms.editing)}>
        <div className={forms.list}>
          <p className={styles.intro}>
            A rule says which attribute fills a field of runs. Rules are stronger than everything built in, apply to all
            projects of the workspace, and to what arrives from now on; stored runs are mapped again below.
          </p>
          {query.isError ? (
            <ErrorState
              title="The rules could not be loaded"
              error={query.error}
              onRetry={() => void query.refetch()}
            />
          ) : list === undefined ? null : list.rules.length === 0 ? (
            <NoRules onNew={() => open(NEW)} />
          ) : (
            <RuleList
              rules={list.rules}
              current={current}
              onOpen={(rule) => open(rule.id)}
              onChanged={() => setChanged(true)}
            />
          )}
          {list && (list.rules.length > 0 || changed) ? (
            <Remap project={project} behind={changed} onStarted={() => setChanged(false)} />
          ) : null}
        </div>
        {editing ? (
          <RuleForm
            key={current?.id ?? NEW}
            rule={current}
            fields={list.fields}
            project={project}
            search={search}
            onRun={(trace, run) => set({ trace, run }, true)}
            onClose={() => open(undefined)}
            onSaved={(saved: MappingRule) => {
              setChanged(true);
              open(saved.id);
            }}
          />
        ) : null}
      </div>
    </Page>
  );
}

function NoRules({ onNew }: { onNew: () => void }) {
  return (
    <EmptyState
      icon={<Shuffle size={24} aria-hidden />}
      title="No rules of your own"
      actions={
        <Button icon={<Plus size={13} aria-hidden />} onClick={onNew}>
          New rule
        </Button>
      }
    >
      <p>
        The instrumentations in use today need none. Add a rule when your own spans keep a model, token counts or a user
        under names that only you know, such as <span className="mono">acme.llm.tokens.in</span>.
      </p>
    </EmptyState>
  );
}
