import { DIRECTOR_KIT } from "../../host/director-kit";
import type { KindOfBoot } from "../boot";

/** How a director has its services again after a boot. */
export const DIRECTOR_BOOT: KindOfBoot = {
  kit: DIRECTOR_KIT,
  replayDiffers: "the program that puts the services back is missing, changed, or an older one",
  noInit:
    "persist needs systemd or OpenRC to put the service back at boot, and the director runs neither: set persist to false",
  foreignUnit:
    "the director has a unit pulumi-lvs-dr-director that this package did not write: remove it, or set persist to false",
};
