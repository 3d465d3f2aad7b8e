/** A test waits for a condition as long as it takes on a machine that has much to do: less than its own limit. */
import { configure } from "@testing-library/react";

configure({ asyncUtilTimeout: 15_000 });
