/** The screens about oneself and this machine, loaded together when the first of them is opened. */
export { AddAccount } from "./AddAccount";
export { Backups } from "./Backups";
export { Devices } from "./Devices";
export { Health } from "./Health";
export { RecoveryWords } from "./RecoveryWords";
export { Settings } from "./Settings";
