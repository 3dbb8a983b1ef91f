import {
  checkServiceInputs,
  parseServiceSettings,
  virtualServiceInputs,
  type ServiceSettings,
} from "../inputs/virtual-service";
import type { ResourceKind } from "./kind";
import { answeredService, unmarkedService } from "./service-marks";

/** Virtual services, as far as they are known without a director. */
export const SERVICE_KIND: ResourceKind<ServiceSettings> = {
  inputs: virtualServiceInputs,
  way: "director",
  replacing: ["vip", "port", "protocol", "fwmark", "family"],
  unread: { table: {}, foreign: [], failing: undefined },
  check: checkServiceInputs,
  parse: parseServiceSettings,
  unmarked: unmarkedService,
  answered: answeredService,
};
