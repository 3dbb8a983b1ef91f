import * as pulumi from "@pulumi/pulumi";

/**
 * What an engine's run is known by. Undefined with Pulumi's mocks, with which a program's own unit tests run:
 * they have no hooks, and mostly no organization.
 */
export function engineMonitor(): object | undefined {
  const monitor: object | undefined = pulumi.runtime.getMonitor();
  const isEngine =
    monitor !== undefined &&
    "registerResourceHook" in monitor &&
    typeof monitor.registerResourceHook === "function";
  return isEngine ? monitor : undefined;
}
