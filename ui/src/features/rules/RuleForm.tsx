import { useMutation, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { ApiError, messageOf } from "@/lib/api/client";
import { createRule, type MappingRule, type RuleField, updateRule } from "@/lib/api/rules";
import { Button, IconButton } from "@/components/Button";
import { joinField, needsKey, splitField } from "./field";
import forms from "@/components/Form.module.css";
import styles from "./RuleForm.module.css";
import type { RulesSearch } from "./search";
import { TestBox } from "./TestBox";

interface Props {
  /** Nothing for a new one. */
  rule: MappingRule | undefined;
  fields: RuleField[];
  project: string;
  search: RulesSearch;
  onRun: (trace: string | undefined, run: string | undefined) => void;
  onClose: () => void;
  onSaved: (rule: MappingRule) => void;
}

/** A rule to write or change, and what it would do to a stored run before it is saved. */
export function RuleForm({ rule, fields, project, search, onRun, onClose, onSaved }: Props) {
  const client = useQueryClient();
  const choices = fields.map((one) => one.field);
  const start = splitField(rule?.field ?? "", choices);
  const [name, setName] = useState(rule?.name ?? "");
  const [attribute, setAttribute] = useState(rule?.attribute ?? search.attribute ?? "");
  const [choice, setChoice] = useState(start.choice);
  const [key, setKey] = useState(start.key);
  const field = joinField(choice, key);
  const save = useMutation({
    mutationFn: () => {
      const body = { name: name.trim(), attribute: attribute.trim(), field, enabled: rule?.enabled ?? true };
      return rule ? updateRule(rule.id, body) : createRule(body);
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: ["rules"] });
      onSaved(saved);
    },
  });
  const [testError, setTestError] = useState<unknown>(null);
  // What the server says about a member stands beside its input, whether it came from saving or from the test.
  const error = save.error ?? testError;
  const at = (member: string): string | null =>
    error instanceof ApiError && error.pointer?.endsWith(`/${member}`) ? error.message : null;
  const elsewhere = save.error && !["name", "attribute", "field"].some((member) => at(member)) ? save.error : null;
  const edit =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      save.reset();
      set(value);
    };
  const unchanged = rule !== undefined && rule.name === name && rule.attribute === attribute && rule.field === field;
  const form = useRef<HTMLFormElement>(null);
  const isNew = rule === undefined;
  useEffect(() => {
    if (isNew) form.current?.querySelector("input")?.focus();
  }, [isNew]);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form ref={form} className={forms.panel} onSubmit={onSubmit} aria-label={rule ? `Rule ${rule.name}` : "New rule"}>
      <header>
        <h2>{rule ? rule.name : "New rule"}</h2>
        <IconButton label="Close the rule" keyHint="Esc" onClick={onClose}>
          <X size={15} aria-hidden />
        </IconButton>
      </header>
      <div className={forms.fields}>
        <Field label="Name" error={at("name")} hint="Runs say it where the rule filled a field.">
          {(props) => (
            <input
              {...props}
              value={name}
              placeholder="Token counts of our gateway"
              onChange={(e) => edit(setName)(e.target.value)}
            />
          )}
        </Field>
        <Field
          label="Attribute"
          error={at("attribute")}
          hint="The key as it was sent. One * stands for any part of it: acme.llm.*.tokens"
        >
          {(props) => (
            <input
              {...props}
              className="mono"
              value={attribute}
              placeholder="acme.llm.tokens.in"
              spellCheck={false}
              autoCapitalize="off"
              onChange={(e) => edit(setAttribute)(e.target.value)}
            />
          )}
        </Field>
        <div className={styles.pair}>
          <Field label="Fills the field" error={at("field")} hint={hintOf(choice, fields)}>
            {(props) => (
              <select {...props} className="mono" value={choice} onChange={(e) => edit(setChoice)(e.target.value)}>
                <option value="">Choose a field</option>
                {choices.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {needsKey(choice) ? (
            <Field label="Key" error={null} hint="{*} is what the star matched.">
              {(props) => (
                <input
                  {...props}
                  className="mono"
                  value={key}
                  placeholder={attribute.includes("*") ? "{*}" : "plan"}
                  spellCheck={false}
                  onChange={(e) => edit(setKey)(e.target.value)}
                />
              )}
            </Field>
          ) : null}
        </div>
      </div>
      <TestBox
        rule={{ name: name.trim(), attribute: attribute.trim(), field }}
        replaces={rule?.id ?? null}
        project={project}
        trace={search.trace}
        run={search.run}
        onRun={onRun}
        onError={setTestError}
      />
      <footer>
        {elsewhere ? (
          <p className={forms.bad} role="alert">
            {messageOf(elsewhere)}
          </p>
        ) : null}
        <span className="grow" />
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" disabled={save.isPending || unchanged}>
          {unchanged ? "Saved" : rule ? "Save changes" : "Add rule"}
        </Button>
      </footer>
    </form>
  );
}

const hintOf = (choice: string, fields: RuleField[]): string =>
  fields.find((one) => one.field === choice)?.description ?? "What of a run it becomes.";

interface InputProps {
  id: string;
  "aria-describedby": string;
  "aria-invalid": boolean;
}

/** A label, an input, and below it the hint or what is wrong. */
function Field(props: {
  label: string;
  hint: string;
  error: string | null;
  children: (input: InputProps) => ReactNode;
}) {
  const { label, hint, error, children } = props;
  const id = useId();
  return (
    <div className={forms.field}>
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-hint`, "aria-invalid": error !== null })}
      <p id={`${id}-hint`} className={error ? forms.bad : undefined} role={error ? "alert" : undefined}>
        {error ?? hint}
      </p>
    </div>
  );
}
