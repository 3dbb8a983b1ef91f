import * as pulumi from "@pulumi/pulumi";
import { canonicalAddress, parseRip, type Family } from "../../domain/address";
import { shown } from "../../inputs/failure";
import type { Complaint } from "../../inputs/field";
import type { DestinationArgs } from "../service-args";
import type { PoolMemberArgs } from "./args";
import { isLater } from "../registration";
import { isGiven } from "./members";

/**
 * What is wrong with the address that directors send to for VIPs of a family: `rip` or `rip6`, else `host`.
 * Undefined where nothing is, or where it is not known yet. The path begins within the member.
 */
export function ripProblem(member: PoolMemberArgs, family: Family): Complaint | undefined {
  const { input, value } = sourceOf(member, family);
  return isLater(value) ? undefined : problemOf(input, value, family);
}

/** The address that directors send to, canonical, and the input that has it; undefined where it comes later. */
export function knownRip(
  member: PoolMemberArgs,
  family: Family,
): { readonly input: string; readonly address: string } | undefined {
  const { input, value } = sourceOf(member, family);
  const address = typeof value === "string" ? canonicalAddress(value) : undefined;
  return address === undefined ? undefined : { input, address };
}

/**
 * A member as a destination. It is made of the member's inputs: an output of the member would be unknown in
 * each preview in which the member changes, and so would every service.
 *
 * @param complain Called where an address that comes later is none. It is handed on all the same, so that the
 *   service is refused: the engine deletes one that is not registered.
 */
export function destinationOf(
  member: PoolMemberArgs,
  family: Family,
  complain: (complaint: Complaint) => void,
): DestinationArgs {
  const { input, value } = sourceOf(member, family);
  const { weight } = member;
  const address = isLater(value)
    ? orHost(value, member.host).apply((text) => {
        const problem = problemOf(input, text, family);
        if (problem !== undefined) complain(problem);
        return text;
      })
    : value;
  return { address, ...(weight !== undefined && { weight }) };
}

/** One that comes later may turn out to be missing. */
function orHost(value: pulumi.Input<string>, host: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi
    .output(value as pulumi.Input<string | undefined | null>)
    .apply((text) => pulumi.output(isGiven(text) ? text : host));
}

type Source = "rip" | "rip6" | "host";

function sourceOf(
  member: PoolMemberArgs,
  family: Family,
): { readonly input: Source; readonly value: pulumi.Input<string> } {
  const input = ownInput(family);
  const value = member[input] ?? undefined;
  return value === undefined ? { input: "host", value: member.host } : { input, value };
}

function problemOf(input: Source, text: unknown, family: Family): Complaint | undefined {
  const parsed = typeof text === "string" ? parseRip(text) : { reason: "is not text" };
  if ("rip" in parsed && parsed.rip.family === family) return undefined;
  const reason = "reason" in parsed ? parsed.reason : `is not an IPv${family} address`;
  const problem = `${shown(text)} ${reason}`;
  return input === "host"
    ? {
        path: [ownInput(family)],
        message: `required for an IPv${family} VIP, because the host ${problem}`,
      }
    : { path: [input], message: problem };
}

function ownInput(family: Family): "rip" | "rip6" {
  return family === 4 ? "rip" : "rip6";
}
