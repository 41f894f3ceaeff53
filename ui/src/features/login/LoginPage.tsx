import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { Mark } from "../../app/Mark";
import { Button } from "../../components/Button";
import { Snippet } from "../../components/Copyable";
import styles from "./LoginPage.module.css";
import { logIn } from "./session";

/** Asks for an API key when a session ends while a page is open; the page is there again afterwards. */
export function LoginPage() {
  const client = useQueryClient();
  const [key, setKey] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await logIn(key.trim());
      // Whatever failed before the login is asked again.
      await client.resetQueries();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className={styles.page}>
      <form className={styles.form} onSubmit={(event) => void submit(event)}>
        <h1>
          <Mark size={24} /> Gnomon
        </h1>
        <label>
          API key
          <input
            type="password"
            autoComplete="current-password"
            autoFocus
            required
            value={key}
            aria-invalid={error !== null}
            aria-describedby="login-error"
            onChange={(event) => setKey(event.target.value)}
          />
        </label>
        <p id="login-error" className={styles.error} role="alert">
          {error}
        </p>
        <Button type="submit" kind="primary" disabled={busy || key.trim() === ""}>
          Sign in
        </Button>
        <div className={styles.hint}>
          <p>Your session has ended, or its key was revoked. A new key, made on the server:</p>
          <Snippet text="gnomon keys create --scope read" />
        </div>
      </form>
    </main>
  );
}
