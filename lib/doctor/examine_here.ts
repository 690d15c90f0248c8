import { examine, type Patient } from "./examine.ts";
import type { Group } from "./report.ts";
import { systemWorld } from "./system_world.ts";

/** Examines on this machine; gives each group of checks as soon as it and those before it are done. */
export async function* examineHere(patient: Patient): AsyncGenerator<Group> {
  using world = systemWorld(patient.config);
  for (const group of examine(patient, world)) yield await group;
}
