import { defineConfig, globalIgnores } from "eslint/config";
import typescript from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist/", "coverage/", "examples/"]),
  {
    files: ["**/*.ts", "**/*.mts"],
    extends: [typescript.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // A function that returns a promise is async, so that it never throws besides.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      eqeqeq: "error",
      "no-control-regex": "off",
    },
  },
  {
    files: ["src/**/*.ts"],
    rules: {
      // A name is imported from the file that has it; only the public entry hands on what others own.
      "no-restricted-syntax": [
        "error",
        { selector: "ExportNamedDeclaration[source]", message: "Import it from its owner." },
        { selector: "ExportAllDeclaration", message: "Import it from its owner." },
      ],
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ["src/index.ts"], rules: { "no-restricted-syntax": "off" } },
);
