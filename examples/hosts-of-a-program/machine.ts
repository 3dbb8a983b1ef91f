import * as pulumi from "@pulumi/pulumi";

/** Stands for your cloud's virtual machine: its address is known once it is made. */
export class Machine extends pulumi.dynamic.Resource {
  declare readonly address: pulumi.Output<string>;

  constructor(name: string, args: { address: string }, opts?: pulumi.CustomResourceOptions) {
    const provider: pulumi.dynamic.ResourceProvider = {
      create: async (inputs: { given: string }) => ({
        id: inputs.given,
        outs: { ...inputs, address: inputs.given },
      }),
      // A machine at another address is another machine.
      diff: async (_, olds: { given: string }, news: { given: string }) =>
        olds.given === news.given ? {} : { replaces: ["given"] },
    };
    // `address` is an input here only to have one to give out; it becomes known with the machine.
    super(provider, name, { given: args.address, address: undefined }, opts);
  }
}
