import { serve } from "../common/rpc";
import { commandProvider } from "./provider";

void serve(commandProvider);
