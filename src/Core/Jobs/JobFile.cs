using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistNet.Training;

namespace DistNet.Jobs;

/// <summary>Reads a job from the tree of its file, and writes the effective job as canonical JSON with every default filled in.</summary>
public static class JobFile
{
    private static readonly Dictionary<string, JobKey> KeyByPath = JobKeys.All.ToDictionary(key => key.Path);
    private static readonly Dictionary<string, JobSectionKey> SectionByPath = JobKeys.Sections.ToDictionary(section => section.Path);

    /// <summary>Reads a job.</summary>
    /// <param name="root">The job as written.</param>
    /// <param name="baseFolder">The folder that relative data paths start from.</param>
    /// <exception cref="DistNetException">A key is unknown, missing or of the wrong type, or two do not go together.</exception>
    public static Job Read(JobValue root, string baseFolder)
    {
        ArgumentNullException.ThrowIfNull(root);
        if (root is not JobSection section)
        {
            throw DistNetException.BadInput($"{root.Place}: the job is {root.Found}; expected keys such as data, model and training.");
        }

        section = NamedBlocks.PutIn(section, out Action checkBlocksUsed);
        Job job = JobKeys.Sections.Where(key => key.SetPresent is not null).Aggregate(JobKeys.Defaults, (job, key) => key.SetPresent!(job, false));
        var places = new Dictionary<string, JobPlace>();
        job = ReadSection(job, "", section, places);
        checkBlocksUsed();
        foreach (JobKey key in JobKeys.All)
        {
            string parent = JobKeyPaths.Parent(key.Path);
            if (key.Required && !places.ContainsKey(key.Path) && (parent.Length == 0 || SectionByPath[parent].IsPresent(job)))
            {
                JobPlace place = places.GetValueOrDefault(parent, new JobPlace(root.Place.Source));
                throw DistNetException.BadInput($"{place}: the key {key.Path} is missing; expected {key.Type.Expected}.");
            }
        }

        Check(job, places, root.Place.Source);
        return job.Data is null ? job : job with { Data = job.Data with { BaseFolder = baseFolder } };
    }

    /// <summary>Reads a job that <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The job.</param>
    /// <param name="baseFolder">The folder that relative data paths start from.</param>
    /// <param name="source">What errors call it.</param>
    /// <exception cref="DistNetException">It is no job.</exception>
    public static Job FromJson(string json, string baseFolder = "", string source = "the recorded job") => Read(JobJsonReader.Read(json, source), baseFolder);

    /// <summary>The effective job as canonical JSON: every key in the table's order, defaults included; the data's base folder is left out.</summary>
    public static string ToJson(Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }))
        {
            Write(writer, job);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Writes the effective job as one JSON object.</summary>
    public static void Write(Utf8JsonWriter writer, Job job)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(job);
        writer.WriteStartObject();
        var absent = new HashSet<string>();
        string open = "";
        foreach (JobKey key in JobKeys.All)
        {
            string section = JobKeyPaths.Parent(key.Path);
            while (open != section && !section.StartsWith(open + ".", StringComparison.Ordinal) && open.Length > 0)
            {
                writer.WriteEndObject();
                open = JobKeyPaths.Parent(open);
            }

            if (open != section && !absent.Contains(section))
            {
                if (SectionByPath[section].IsPresent(job))
                {
                    writer.WriteStartObject(SectionByPath[section].Name);
                    open = section;
                }
                else
                {
                    absent.Add(section);
                    writer.WriteNull(SectionByPath[section].Name);
                }
            }

            if (open == section)
            {
                writer.WritePropertyName(key.Name);
                key.Type.Write(writer, key.Get(job));
            }
        }

        for (; open.Length > 0; open = JobKeyPaths.Parent(open))
        {
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>The value of a key in a job, as JSON on one line; null where the job lacks the section.</summary>
    public static string ValueText(JobKey key, Job job)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (SectionByPath.TryGetValue(JobKeyPaths.Parent(key.Path), out JobSectionKey? section) && !section.IsPresent(job))
        {
            return "null";
        }

        return Text(key.Type, key.Get(job));
    }

    /// <summary>A value as JSON on one line.</summary>
    public static string Text(JobValueType type, object? value)
    {
        ArgumentNullException.ThrowIfNull(type);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            type.Write(writer, value);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Check(Job job, Dictionary<string, JobPlace> places, string source)
    {
        string sentence;
        string path;
        try
        {
            JobChecks.Check(job);
            if (JobFit.Find(job) is not { } misfit)
            {
                return;
            }

            (path, sentence) = misfit;
        }
        catch (DistNetException exception)
        {
            // Every sentence of JobChecks begins with the key.
            sentence = exception.Message;
            path = sentence.Split(' ', '[')[0];
        }

        while (path.Length > 0 && !places.ContainsKey(path))
        {
            path = JobKeyPaths.Parent(path);
        }

        throw DistNetException.BadInput($"{places.GetValueOrDefault(path, new JobPlace(source))}: {sentence}");
    }

    private static Job ReadSection(Job job, string prefix, JobSection section, Dictionary<string, JobPlace> places)
    {
        foreach (JobEntry entry in section.Entries)
        {
            string path = JobKeyPaths.Join(prefix, entry.Name);
            places[path] = entry.Place;
            if (KeyByPath.TryGetValue(path, out JobKey? key))
            {
                job = ReadKey(job, key, path, entry.Value);
            }
            else if (SectionByPath.TryGetValue(path, out JobSectionKey? inner))
            {
                job = ReadInner(job, inner, entry, places);
            }
            else
            {
                throw Unknown(prefix, entry);
            }
        }

        return job;
    }

    private static Job ReadKey(Job job, JobKey key, string path, JobValue value) => key.Type.TryRead(value, out object? result)
        ? key.Set(job, result)
        : throw DistNetException.BadInput($"{value.Place}: {path} is {value.Found}; expected {key.Type.Expected}.");

    private static Job ReadInner(Job job, JobSectionKey inner, JobEntry entry, Dictionary<string, JobPlace> places)
    {
        switch (entry.Value)
        {
            case JobSection section:
                return ReadSection(inner.SetPresent?.Invoke(job, true) ?? job, inner.Path, section, places);
            case JobScalar { IsNull: true }:
                return inner.SetPresent?.Invoke(job, false) ?? job;
            case JobScalar when inner.Shorthand is { } name:
                places[JobKeyPaths.Join(inner.Path, name)] = entry.Place;
                return ReadKey(inner.SetPresent?.Invoke(job, true) ?? job, KeyByPath[JobKeyPaths.Join(inner.Path, name)], inner.Path, entry.Value);
            default:
                string keys = string.Join(", ", JobKeyPaths.NamesIn(inner.Path));
                throw DistNetException.BadInput($"{entry.Value.Place}: {inner.Path} is {entry.Value.Found}; expected a section with keys among {keys}.");
        }
    }

    private static DistNetException Unknown(string prefix, JobEntry entry)
    {
        ImmutableArray<string> siblings = [.. JobKeyPaths.NamesIn(prefix), .. prefix.Length == 0 ? [NamedBlocks.SectionName] : ImmutableArray<string>.Empty];
        string sibling = NearestName.Closest(entry.Name, siblings)!;
        string elsewhere = JobKeys.All.MinBy(key => NearestName.Edits(entry.Name, key.Name))!.Path;
        string leaf = elsewhere[(elsewhere.LastIndexOf('.') + 1)..];
        string nearest = NearestName.Edits(entry.Name, leaf) + 1 < NearestName.Edits(entry.Name, sibling) ? elsewhere : JobKeyPaths.Join(prefix, sibling);
        return DistNetException.BadInput($"{entry.Place}: unknown key {JobKeyPaths.Join(prefix, entry.Name)}; the nearest known key is {nearest}.");
    }
}
