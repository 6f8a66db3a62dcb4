import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { FormEvent } from "react";
import { api } from "../../api.ts";
import { ErrorBox } from "../../components/state.tsx";

export function SignInPage() {
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => form.get(name) as string;
    setBusy(true);
    try {
      await api.call("login", {
        body: { email: field("email"), password: field("password"), session: "cookie" },
      });
      await queries.invalidateQueries();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="signin">
      <h1>Sign in to Tapedeck</h1>
      <form className="panel" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span className="label">E-mail</span>
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label className="field">
          <span className="label">Password</span>
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {error === undefined ? null : <ErrorBox error={error} />}
        <button className="primary" disabled={busy}>
          Sign in
        </button>
      </form>
      <p className="dim">
        On your own machine, <code>npm start</code> prints a link that signs you in.
      </p>
    </main>
  );
}
