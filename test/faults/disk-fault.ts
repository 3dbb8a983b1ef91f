import { KIT_PATHS } from "./kit";
import type { Fault } from "./scenario";

/** Shell lines that make a disk of the host full or read-only, and that make it as it was. */
export function diskFault({ how, room }: Extract<Fault, { kind: "disk" }>): {
  strike: string;
  lift: string;
} {
  const lift = "mount -o remount,rw,size=100M,nr_inodes=100000 /var/lib";
  switch (how) {
    case "full":
      return { strike: fillDisk(room), lift };
    case "read-only":
      return { strike: "mount -o remount,ro /var/lib", lift };
    case "read-only for units": {
      const [folder] = /^.*(?=\/)/.exec(KIT_PATHS.unit) ?? [""];
      const strike = `mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}`;
      return { strike, lift: `umount -l ${folder}` };
    }
  }
}

/** Room for a few more files, or for a few more pages of 4 KiB. A tmpfs of size 0 has no limit. */
function fillDisk(room: number): string {
  const half = Math.floor(room / 2);
  return room % 2 === 0
    ? `used=$(df --output=iused /var/lib | tail -1)
       mount -o remount,nr_inodes=$((used + ${half})) /var/lib`
    : `used=$(df --output=used -k /var/lib | tail -1)
       mount -o remount,size=$((used + ${half} * 4 + (used + ${half} == 0) * 4))k /var/lib`;
}
