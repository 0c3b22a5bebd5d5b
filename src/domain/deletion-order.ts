/** Manifests of HLS, DASH and Smooth Streaming. */
const MANIFEST = /\.(?:m3u8|mpd|ism|isml|ismc)$/i;

/** Playlists of single renditions, which another manifest names. */
const OF_RENDITION = /-\d+-(?:video|audio|text)-[^/]*\.m3u8$/i;

/**
 * The groups in which the files of an asset go, one after the other: what players open, then the playlists
 * that it names, then all else, so that no manifest is ever there that names a missing file. In the last,
 * what lies in a folder comes before the folder's own entry, which some object stores keep.
 */
export function orderDeletions(keys: readonly string[]): readonly (readonly string[])[] {
  const groups = Map.groupBy(keys, (key) => {
    if (!MANIFEST.test(key)) return 2;
    return OF_RENDITION.test(key) ? 1 : 0;
  });
  const rest = [...(groups.get(2) ?? [])].sort().reverse();
  return [groups.get(0) ?? [], groups.get(1) ?? [], rest].filter((group) => group.length > 0);
}
