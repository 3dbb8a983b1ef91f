// The rooms of src, highest first. A room imports from itself and from rooms below it, never from one
// above: then each can be read, and changed, with no more than what is under it in mind.
const rooms = [
  "pulumi",
  "cli",
  "inspect",
  "inputs",
  "operation",
  "plan",
  "observed",
  "protocol",
  "host",
  "transport",
  "domain",
];

/** Only these rooms know these packages. */
const packages = {
  "^(@pulumi|@grpc)/": "^src/pulumi/",
  "^zod$": "^src/inputs/",
  "^ssh2$": "^src/transport/",
};

module.exports = {
  forbidden: [
    ...rooms.slice(1).map((room, index) => ({
      name: `nothing-above-${room}`,
      comment: "Imports go down only: see CONTRIBUTING.md, Rooms.",
      severity: "error",
      from: { path: `^src/${room}/` },
      to: { path: `^src/(index\\.ts|(${rooms.slice(0, index + 1).join("|")})/)` },
    })),
    {
      name: "every-room-has-a-place",
      comment: "A folder of src that is not in the list above has no order to hold.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/", pathNot: `^src/(index\\.ts$|(${rooms.join("|")})/)` },
    },
    ...Object.entries(packages).map(([name, place]) => ({
      name: `only-there-${name.replace(/\W+/g, "")}`,
      comment: "One room knows it, so that another can take its place.",
      severity: "error",
      from: { path: "^src/", pathNot: place },
      to: {
        path: name.startsWith("^(")
          ? `node_modules/(@pulumi|@grpc)/`
          : `node_modules/(@types/)?${name.slice(1, -1)}/`,
      },
    })),
    {
      name: "no-circle",
      comment: "Types count.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["require", "node", "types"],
    },
  },
};
