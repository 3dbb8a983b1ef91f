import type { Guest } from "./guest";

/** Where files are that its configuration includes. */
export const KEEPALIVED_FOLDER = "/etc/keepalived/conf.d";

/** keepalived on a guest: VRRP with an address of its own, and whatever files are in the folder. */
export class Keepalived {
  private constructor(
    readonly guest: Guest,
    /** Held by VRRP. */
    readonly virtual: string,
  ) {}

  /**
   * Starts it, and waits until VRRP has its address.
   *
   * @param router the VRRP router's number, of which there is one on a wire
   * @throws Error when it has not in a minute
   */
  static async start(guest: Guest, router: number): Promise<Keepalived> {
    const keepalived = new Keepalived(guest, `192.0.2.${router}`);
    // An owner of its address does not wait for others.
    const conf = `vrrp_instance one {
  interface eth0
  virtual_router_id ${router}
  priority 255
  advert_int 1
  virtual_ipaddress {
    ${keepalived.virtual}/32
  }
}
include ${KEEPALIVED_FOLDER}/*.conf
`;
    const file = "/etc/keepalived/keepalived.conf";
    await guest.run(`mkdir -p ${KEEPALIVED_FOLDER} && cat >${file}`, { input: conf });
    await keepalived.resume();
    return keepalived;
  }

  /** Starts it again, after it was stopped, or by itself at boot. */
  async resume(): Promise<void> {
    const wait = `for i in $(seq 300); do ${this.isMaster} && exit 0; sleep 0.2; done; exit 1`;
    await this.guest.run(`systemctl start keepalived && { ${wait}; }`);
  }

  /** Stops it; its services go from the table. */
  async stop(): Promise<void> {
    await this.guest.run("systemctl stop keepalived");
  }

  /**
   * The process ids of it and of its children, VRRP's and the checkers': the same as long as none has ended.
   * Empty where VRRP does not hold its address.
   */
  async processes(): Promise<string> {
    const line = `${this.isMaster} && pid=$(cat /run/keepalived.pid) && echo $pid $(pgrep -P $pid)`;
    return (await this.guest.run(line, { allowFailure: true })).stdout.trim();
  }

  private get isMaster(): string {
    return `ip -o addr show dev eth0 | grep -qF ' ${this.virtual}/32 '`;
  }
}
