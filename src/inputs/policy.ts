import type { Inputs } from "./field";

/** What every resource of this package can be told about its host, its time and its name. */
export const policyInputs = {
  unreachableOnDestroy: {
    kind: "choice",
    values: ["fail", "forget"],
    default: "fail",
    shown: true,
    change: "nothing",
    page: "how-to/dead-host.md",
    sentence:
      'What destroy does when the host cannot be reached: `"fail"`, or `"forget"` a host that is gone ' +
      "for good.",
  },
  unreachableOnRefresh: {
    kind: "choice",
    values: ["fail", "keep"],
    default: "fail",
    shown: true,
    change: "nothing",
    page: "how-to/dead-host.md",
    sentence:
      'What a refresh does when the host cannot be reached: `"fail"`, or `"keep"` what is known, with a ' +
      "warning.",
  },
  timeouts: {
    kind: "object",
    default: {},
    shown: true,
    change: "nothing",
    sentence: "How long an operation may take.",
    fields: {
      connectSeconds: {
        kind: "whole number",
        least: 1,
        most: 86_400,
        default: 60,
        shown: true,
        page: "reference/connection.md#dialling",
        sentence: "Seconds for all dialling, a host that still boots included.",
      },
      operationSeconds: {
        kind: "whole number",
        least: 1,
        most: 86_400,
        default: 120,
        shown: true,
        sentence:
          "Seconds for the work on the host. Waiting for `drain` or `ready` is not counted.",
      },
    },
  },
  owner: {
    kind: "line",
    what: "a name for this declaration in the host's registry",
    required: true,
    defaultText: "organization and URN",
    change: "converge",
    page: "how-to/owners.md",
    sentence:
      "The name of this declaration in the host's registry. Only needed for two backends that have the " +
      "same organization, project and stack names.",
  },
} as const satisfies Inputs;
