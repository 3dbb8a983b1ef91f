import { describe, expect, it } from "vitest";
import * as errors from "../../../src/pulumi/clean-error";
import type { HostReport } from "../../../src/operation/converge";
import { RealServerError } from "../../../src/domain/errors";
import type { Properties } from "../../../src/pulumi/kind";
import { REAL_SERVER_KIND, realServerOutputs, savedIn } from "../../../src/pulumi/real-server-kind";
import * as state from "../../../src/pulumi/state";
import { FORMAT, newIncarnation } from "../../../src/pulumi/state";
import { realServerInputs } from "../../../src/inputs/real-server";
import { fixtures } from "../fixtures";

const inputs = {
  __provider: "exports.handler=...",
  connection: { host: "10.0.0.11", password: "s3cret-word" },
  vips: ["203.0.113.10"],
  owner: "web-1",
};
const report: HostReport = {
  bindings: [{ address: "203.0.113.10", scope: "host", label: "lo:dr" }],
  effectiveArp: { eth0: { ignore: 1, announce: 2 } },
  foreignVips: [],
  withdrawable: [],
  drift: [],
  observedVips: ["203.0.113.10"],
  observedArp: { ignore: 1, announce: 2 },
  record: "ours",
  machineId: "0123456789abcdef",
  productUuid: "b5a29a15-ffa3-4d1b-9a0c-3a3f7d2f0001",
  hostKey: "ssh-ed25519 AAAAone",
  proxyHostKey: "ssh-ed25519 AAAAtwo",
  saved: [
    { interface: "all", key: "arp_ignore", value: 0, written: 1 },
    { interface: "eth0.100", key: "arp_announce", value: 1, written: 2 },
  ],
};

const readState = (outputs: Properties) => {
  const read = state.readState(REAL_SERVER_KIND, outputs);
  return { ...read, saved: savedIn(read.outputs) };
};
const reportedState = (given: Properties, said: HostReport, olds: Properties) =>
  state.reportedState(REAL_SERVER_KIND, given, said, realServerOutputs(said), olds);
const cleaned = (error: unknown, properties: Properties) =>
  errors.cleaned(error, properties, REAL_SERVER_KIND);
const restatedState = state.restatedState.bind(undefined, REAL_SERVER_KIND);
const unsettledState = state.unsettledState.bind(undefined, REAL_SERVER_KIND);

describe("the state of a real server", () => {
  it("is read as it was written", () => {
    const state = readState(reportedState(inputs, report, {}));
    expect(state).toMatchObject({
      pins: { hostKey: report.hostKey, proxyHostKey: report.proxyHostKey },
      saved: report.saved,
      machineId: report.machineId,
      converged: true,
    });
    expect(state.settings.vips.map(({ address }) => address)).toEqual(["203.0.113.10"]);
    const { connection, vips, owner } = inputs;
    expect(state.inputs).toEqual({ connection, vips, owner });
  });

  it("has the number of the machine where its host key is ssh's own affair, and not beside one", () => {
    const { hostKey, proxyHostKey, ...bySsh } = report;
    expect(
      readState(reportedState(inputs, bySsh, reportedState(inputs, report, {}))),
    ).toMatchObject({
      pins: {},
      productUuid: report.productUuid,
    });
    expect([hostKey, proxyHostKey]).not.toContain(undefined);
    expect(reportedState(inputs, report, {})).not.toHaveProperty("productUuid");
  });

  it("is not converged where the host drifted", () => {
    const drifted = reportedState(
      inputs,
      { ...report, drift: ["lo: 203.0.113.10/32 not bound"] },
      {},
    );
    expect(readState(drifted).converged).toBe(false);
  });

  it("of a newer format is refused, and says what to install", () => {
    const newer = { ...reportedState(inputs, report, {}), format: FORMAT + 1 };
    expect(() => readState(newer)).toThrow(/format 2.*npm install pulumi-lvs-dr@latest/);
  });

  it("without what a later version added, or without any VIP, is still read", () => {
    const { connection, owner } = inputs;
    expect(readState({ connection, owner, vips: [] })).toMatchObject({
      saved: [],
      pins: {},
      machineId: "",
      converged: false,
    });
  });

  it("keeps nothing of an input that the program no longer gives", () => {
    const drain = { timeoutSeconds: 10, onTimeout: "fail" };
    const olds = reportedState({ ...inputs, drain }, report, {});
    expect(olds).toMatchObject({ drain });
    expect(reportedState(inputs, report, olds)).not.toHaveProperty("drain");
    const pins = { hostKey: "ssh-ed25519 AAAAnew" };
    const restated = restatedState(inputs, olds, pins);
    expect(restated).not.toHaveProperty("drain");
    expect(restated).not.toHaveProperty("proxyHostKey");
    expect(restated).toMatchObject({ ...pins, machineId: report.machineId, converged: true });
  });

  it("with an unknown outcome has the provider and the host keys, and is not converged", () => {
    const unsettled = unsettledState(inputs, {}, { hostKey: report.hostKey });
    expect(unsettled).toMatchObject({
      __provider: inputs.__provider,
      hostKey: report.hostKey,
      converged: false,
      vips: inputs.vips,
      bindings: [],
    });
  });

  it("keeps a saved value of -1, and one of any NIC", () => {
    const saved = [
      { interface: "all", key: "arp_ignore", value: -1, written: 1 },
      { interface: "日本\u3000", key: "arp_announce", value: 0, written: 2 },
    ] as const;
    expect(readState(reportedState(inputs, { ...report, saved }, {})).saved).toEqual(saved);
  });

  it("passes over a saved value that it cannot read", () => {
    const { saved, ...rest } = reportedState(inputs, report, {});
    const others = ["all rp_filter 1 0", "all arp_ignore 0", 7, null, {}];
    expect(readState({ ...rest, saved: [...others, ...(saved as string[])] }).saved).toEqual(
      report.saved,
    );
    expect(readState({ ...rest, saved: "all arp_ignore 0 1" }).saved).toEqual([]);
  });

  it("gets incarnations that sort by time", async () => {
    const first = newIncarnation();
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(newIncarnation() > first).toBe(true);
    expect(first).toMatch(/^[0-9a-f]{20}$/);
  });

  it("gets one that sorts after those it replaces, though their clock was ahead", () => {
    const ahead = `${(Date.now() + 3_600_000).toString(16).padStart(12, "0")}ffffffff`;
    const next = newIncarnation(new Set(["0001", ahead, "of-before"]));
    expect(next > ahead).toBe(true);
    expect(next).toMatch(/^[0-9a-f]{20}$/);
  });
});

// After a downgrade, or where people of one team have installed different versions.
describe("a state of a version to come", () => {
  const later = { tunnels: [{ name: "ipip0", mtu: null }], mode: "dr" };
  const known = reportedState(inputs, report, {});
  const pins = { hostKey: "ssh-ed25519 AAAAnew" };

  it("is read, and what is not known is no input", () => {
    const { outputs, ...read } = readState({ ...known, ...later });
    expect({ ...read, outputs: known }).toEqual(readState(known));
    expect(outputs).toMatchObject(later);
  });

  it.each<[string, (olds: Properties) => Properties]>([
    ["an update on the host", (olds) => reportedState(inputs, report, olds)],
    ["a refresh", (olds) => reportedState(readState(olds).inputs, report, olds)],
    ["an update that leaves the host alone", (olds) => restatedState(inputs, olds, pins)],
    ["an update with an unknown outcome", (olds) => unsettledState(inputs, olds, pins)],
    [
      "the update that settles it",
      (olds) => reportedState(inputs, report, unsettledState(inputs, olds, pins)),
    ],
  ])("keeps what is not known after %s, and nothing else is different", (_, after) => {
    expect(after({ ...known, ...later })).toEqual({ ...after(known), ...later });
  });
});

interface StateCase {
  readonly state: Properties;
  /** The names of its inputs. */
  readonly inputs: readonly string[];
  readonly read: Readonly<Record<string, unknown>>;
}

describe("a state that a version wrote, for ever", () => {
  it.each(fixtures<StateCase>("state"))("is read: $name", ({ data }) => {
    const { inputs: read, ...rest } = readState(data.state);
    expect(JSON.parse(JSON.stringify(rest))).toMatchObject(data.read);
    expect(read).toEqual(Object.fromEntries(data.inputs.map((name) => [name, data.state[name]])));
  });

  it("is one with each input, and one with none but those that have to be there", () => {
    const given = fixtures<StateCase>("state").map(({ data }) => new Set(data.inputs));
    for (const name of Object.keys(realServerInputs))
      expect(
        given.some((names) => names.has(name)),
        name,
      ).toBe(true);
    expect(given.some((names) => !names.has("drain") && !names.has("staleVips"))).toBe(true);
  });
});

describe("an error on its way to Pulumi", () => {
  it("is its message and nothing else", () => {
    const error = cleaned(new RealServerError("refused", "it would do harm"), inputs);
    expect(`${error}: ${error.stack}`).toBe("it would do harm: ");
  });

  it("that is a fault of ours names it, without the secrets of the inputs", () => {
    const { message } = cleaned(new TypeError("cannot read s3cret-word"), inputs);
    expect(message).toContain("a fault in pulumi-lvs-dr: TypeError: cannot read [secret]");
    expect(message).toContain("state.test.ts");
  });

  it("is short enough for the one header that carries it", () => {
    const { message } = cleaned(new RealServerError("failed", "x".repeat(100_000)), inputs);
    expect(message.length).toBeLessThan(10_000);
  });
});
