import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { readKey, saveKey } from "@/lib/api/auth";
import { Button } from "@/components/Button";
import { Page } from "@/components/PageBar";
import styles from "./KeyForm.module.css";

/** Shown when the server answers 401: it was started with keys. */
export function KeyForm() {
  const client = useQueryClient();
  const router = useRouter();
  const [refused] = useState(() => readKey() !== null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget).get("key");
    if (typeof key !== "string" || key.trim() === "") return;
    saveKey(key.trim());
    void client.resetQueries().then(() => router.invalidate());
  };
  return (
    <Page>
      <form className={styles.form} onSubmit={submit}>
        <h1>Enter an API key</h1>
        <p>
          This server accepts only requests with a key. Create one with{" "}
          <code className="mono">clearspan keys create</code>.
        </p>
        {refused ? (
          <p className={styles.bad} role="alert">
            The server refused the saved key. It may have been deleted.
          </p>
        ) : null}
        <label>
          API key
          {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the only thing to do on this page */}
          <input name="key" type="password" autoComplete="current-password" autoFocus required spellCheck={false} />
        </label>
        <Button type="submit" look="primary">
          Continue
        </Button>
      </form>
    </Page>
  );
}
