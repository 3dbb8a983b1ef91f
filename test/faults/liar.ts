import { REAL_SERVER_PROGRAM } from "../../src/host/scripts";

import { AnswerReader } from "../../src/protocol/answer";
import { openingCommand } from "../../src/protocol/program";
import type { LabHost } from "../../lab/host";
import type { Agent } from "./agent";

/** What a lying host says, in the place of host.sh. */
export interface Lie {
  /** Before the first answer: a banner, notes, another program's answer. NONCE stands for the nonce. */
  readonly before: string;
  readonly status: string;
  readonly body: string;
  /** Whether the length is the body's. */
  readonly honestLength: boolean;
  /** What each request is answered with: a body, with the status. */
  readonly answers: { readonly status: string; readonly body: string };
  /** Written to stderr. */
  readonly stderr: string;
}

/** Makes every login to a host end in what {@link tell} has put there. */
export async function makeLiar(host: LabHost, agent: Agent): Promise<void> {
  await host.stopSsh();
  await agent.must(`
    cat >/run/liar <<'END'
#!/bin/bash
nonce=$(grep -aoE '\\b[0-9a-f]{24}\\b' <<<"$SSH_ORIGINAL_COMMAND" | head -n 1)
cat /run/lie-stderr >&2
sed "s/NONCE/$nonce/g" /run/lie
while IFS= read -r request; do sed "s/NONCE/$nonce/g" /run/lie-again; done
END
    chmod 755 /run/liar
    echo 'ForceCommand /run/liar' >>/etc/ssh/lab_sshd_config`);
  await host.startSsh();
}

/** Sets what a lying host says next. */
export async function tell(agent: Agent, lie: Lie): Promise<void> {
  // What the login prints before has no line break at its end.
  const first = "\n" + lie.before + answer(lie.status, lie.body, lie.honestLength);
  const again = answer(lie.answers.status, lie.answers.body, true);
  await agent.must(`
    base64 -d <<<'${base64(first)}' >/run/lie
    base64 -d <<<'${base64(again)}' >/run/lie-again
    base64 -d <<<'${base64(lie.stderr)}' >/run/lie-stderr`);
}

/** A truthful observation of a host, to make lies of. */
export async function truthOf(agent: Agent, session: string): Promise<string> {
  const nonce = "a".repeat(24);
  const words = { mode: "look", seconds: 20, holder: "nobody", subjects: [] } as const;
  const command = openingCommand({
    ...words,
    program: REAL_SERVER_PROGRAM,
    nonce,
    login: { sudo: false },
  });
  const said = await agent.run(`(SSH_CONNECTION='${session}'; ${command})`);
  for (const event of new AnswerReader(nonce).push(Buffer.from(said))) {
    if (event.kind === "answer" && event.status === "ok") return event.body;
  }
  throw new Error(`no observation: ${said}`);
}

function answer(status: string, body: string, honest: boolean): string {
  const length = Buffer.byteLength(body) + (honest ? 0 : 1);
  return `NONCE begin\n${body}\nNONCE ${status} ${length}\n`;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
