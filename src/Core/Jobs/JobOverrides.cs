using System.Collections.Immutable;
using System.Globalization;

namespace DistNet.Jobs;

/// <summary>Puts a value at a path into the tree of a job, as <c>--set path.to.key=value</c> does: sections that are missing are made, list elements go by index.</summary>
public static class JobOverrides
{
    /// <summary>The tree with one value put in.</summary>
    /// <param name="root">The job as written.</param>
    /// <param name="path">The dotted path; whether the key exists is found out when the job is read.</param>
    /// <param name="value">The value; its place says which option gave it.</param>
    /// <exception cref="DistNetException">The path goes through a list by something other than an index of it, or through a plain value.</exception>
    public static JobValue Put(JobValue root, string path, JobValue value)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(value);
        return Put(root, "", path.Split('.'), 0, value);
    }

    private static JobValue Put(JobValue? parent, string parentPath, string[] parts, int index, JobValue value)
    {
        if (index == parts.Length)
        {
            return value;
        }

        string part = parts[index];
        string path = JobKeyPaths.Join(parentPath, part);
        switch (parent)
        {
            case JobList list:
                if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int element) || element >= list.Items.Length)
                {
                    throw DistNetException.BadInput(FormattableString.Invariant(
                        $"{value.Place}: '{part}' is no element of {parentPath}; expected an index from 0 to {list.Items.Length - 1}."));
                }

                return new JobList(list.Place, list.Items.SetItem(element, Put(list.Items[element], path, parts, index + 1, value)));
            case JobSection section:
                JobEntry? entry = section.Find(part);
                var changed = new JobEntry(part, value.Place, Put(entry?.Value, path, parts, index + 1, value));
                return new JobSection(section.Place, entry is null ? section.Entries.Add(changed) : section.Entries.Replace(entry, changed));
            case null or JobScalar { IsNull: true }:
                return new JobSection(value.Place, [new JobEntry(part, value.Place, Put(null, path, parts, index + 1, value))]);
            case JobScalar scalar when Expand(scalar, parentPath) is { } expanded:
                return Put(expanded, parentPath, parts, index, value);
            default:
                throw DistNetException.BadInput($"{value.Place}: {parentPath} is {parent.Found}, so it has no key '{part}'.");
        }
    }

    // A word in place of a section (loss: cross-entropy) or of a module (relu) is the section that it stands for.
    private static JobSection? Expand(JobScalar scalar, string path)
    {
        if (JobKeys.Sections.FirstOrDefault(section => section.Path == path && section.Shorthand is not null) is { } section)
        {
            return new JobSection(scalar.Place, [new JobEntry(section.Shorthand!, scalar.Place, scalar)]);
        }

        return path.StartsWith("model.", StringComparison.Ordinal) && ModuleReader.Words.Contains(scalar.Text)
            ? new JobSection(scalar.Place, [new JobEntry(scalar.Text, scalar.Place, new JobScalar(scalar.Place, "", quoted: false))])
            : null;
    }
}
