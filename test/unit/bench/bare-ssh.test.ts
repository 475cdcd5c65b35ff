import { renderSshConfig } from "../../../bench/bare-ssh";

test("the bare client checks the pinned keys, and shares no connection", () => {
  const text = renderSshConfig(
    {
      folder: "/f",
      user: "pi",
      port: 2222,
      privateKeyFile: "/keys/with a blank",
      knownHosts: "",
      addresses: [],
    },
    "/f/known",
  );
  expect(text).toContain('IdentityFile "/keys/with a blank"');
  expect(text).toContain("Port 2222");
  expect(text).toContain("StrictHostKeyChecking yes");
  expect(text).toContain('UserKnownHostsFile "/f/known"');
  expect(text).toContain("ControlMaster no");
});
