/**
 * Does something with each item, a few at once, and gives the results in the items' order. After a failure nothing more
 * is begun; what was begun is waited for, so that nothing goes on behind a failure, and of several failures the one of
 * the first item is told.
 *
 * @param most How many at once, at least 1.
 */
export async function forEachConcurrently<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Promise<Result>[] = [];
  let failed = false;
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) {
      if (failed) return;
      const result = work(item);
      results.push(result);
      await result.catch(() => {
        failed = true;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return Promise.all(results);
}
