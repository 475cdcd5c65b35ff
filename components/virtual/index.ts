export { VirtualPi, type VirtualPiArgs } from "./virtual-pi";
export { virtualSwitch } from "./virtual-switch";
