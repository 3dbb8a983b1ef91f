import { enableCompileCache } from "node:module";
import path from "node:path";

// Imported before all else: a provider's process lives for one preview or one up, and compiling is most
// of its start. The compiled code lies inside the installed package, so that it goes with it, and not in
// the folder for temporary files that everybody can write to. Where that cannot be written to there is
// no cache, and NODE_DISABLE_COMPILE_CACHE=1 switches it off. Node 22.12, the oldest, has it.
enableCompileCache(path.join(__dirname, "../../node_modules/.cache"));
