import { createContext } from "react";

/** Whether a form stands in a panel: its buttons keep to the panel's lower edge. */
export const InPanelContext = createContext(false);
