import { REAL_SERVER_KIT } from "../host/real-server-kit";
import type { KindOfBoot } from "./boot";

/** How a real server has its VIPs again after a boot. */
export const REAL_SERVER_BOOT: KindOfBoot = {
  kit: REAL_SERVER_KIT,
  replayDiffers: "the program that binds the VIPs again is missing, changed, or an older one",
  noInit:
    "persist needs systemd or OpenRC to bind the VIPs again at boot, and the host runs neither: set persist to false",
  foreignUnit:
    "the host has a unit pulumi-lvs-dr that this package did not write: remove it, or set persist to false",
};
