/** Without the keys whose value is undefined, which `exactOptionalPropertyTypes` tells apart. */
export function onlyDefined<Given extends object>(given: Given) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Given]: Exclude<Given[Key], undefined>;
  };
}
