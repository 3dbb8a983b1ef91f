import { Lab } from "../../../lab/lab";
import { webHost } from "../../../lab/web-host";
import { join } from "../../director/pool";
import { Proxy } from "../proxy";
import { playOnDirector, prepareDirector, type DirectorLane, type DirectorVerdict } from "./play";
import { directorScenario } from "./scenario";

/** What to run against directors. */
export interface DirectorCampaign {
  readonly seed: number;
  /** The numbers of the runs. */
  readonly runs: Iterable<number>;
  /** Directors at once. */
  readonly lanes: number;
  onVerdict(verdict: DirectorVerdict): void;
}

/** Plays runs on several directors at once: guests with a kernel, a disk and an sshd of their own. */
export async function directorCampaign(options: DirectorCampaign): Promise<DirectorVerdict[]> {
  const lab = await Lab.create();
  const verdicts: DirectorVerdict[] = [];
  const queue = [...options.runs].values();
  const work = async (number: number): Promise<void> => {
    const lane = await laneOf(lab, number);
    try {
      for (const run of queue) {
        const scenario = directorScenario(options.seed, run);
        const verdict = await playOnDirector(lane, run, scenario).catch((cause: unknown) => {
          const again = `--directors --seed ${options.seed} --only ${run}`;
          throw new Error(`run ${again}: ${JSON.stringify(scenario)}`, { cause });
        });
        verdicts.push(verdict);
        options.onVerdict(verdict);
      }
    } finally {
      await lane.proxy.end();
    }
  };
  try {
    await Promise.all(Array.from({ length: options.lanes }, (_, number) => work(number)));
    const killed = verdicts.filter(({ fault }) => fault === "killed");
    if (killed.length > 2 && !killed.some(({ struck }) => struck))
      throw new Error("no shell of ours was found to be killed: the campaign is blind");
    return verdicts;
  } finally {
    await lab.destroy();
  }
}

/** A director, and real servers behind its VIP. */
async function laneOf(lab: Lab, number: number): Promise<DirectorLane> {
  const [guest, client, ...servers] = await Promise.all([
    lab.guest(`lb${number}`),
    lab.client(`client${number}`),
    ...["a", "b", "c", "d"].map((name) => webHost(lab, `rs${number}${name}`)),
  ]);
  const vip = guest.address.replace(/\d+$/, String(250 - number));
  await Promise.all(servers.map((host) => join(lab, host, [vip])));
  await prepareDirector(guest, vip);
  const proxy = await Proxy.start({ host: guest.address, port: 22 });
  const rips = servers.map(({ address }) => address);
  return { lab, guest, client, proxy, vip, rips, number };
}
