using System.Collections.Immutable;
using System.Text.Json;
using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Jobs;

/// <summary>Reads and writes a Select: <c>{ feature: 3, below: 0.5, branches: [ … ] }</c>, or <c>{ argMax: { first: 0, count: 3 }, branches: [ … ] }</c>.</summary>
internal static class SelectReader
{
    private static readonly IntegerType Index = new(0, int.MaxValue);
    private static readonly IntegerType Count = new(1, int.MaxValue);
    private static readonly NumberType Number = new();
    private static readonly string[] ThresholdKeys = ["feature", "below", "branches"];
    private static readonly string[] ArgMaxKeys = ["argMax", "branches"];

    public static Select Read(JobValue value, string path)
    {
        JobSection section = Section(value, path, "a section with feature, below and branches, or argMax and branches");
        bool argMax = section.Find("argMax") is not null;
        RefuseUnknown(section, path, argMax ? ArgMaxKeys : ThresholdKeys);
        SelectRule rule;
        if (argMax)
        {
            JobSection range = Section(section.Find("argMax")!.Value, $"{path}.argMax", "a section with first and count");
            RefuseUnknown(range, $"{path}.argMax", ["first", "count"]);
            rule = SelectRule.ArgMax((int)(Int128)Value(range, "first", Index, $"{path}.argMax"), (int)(Int128)Value(range, "count", Count, $"{path}.argMax"));
        }
        else
        {
            rule = SelectRule.Threshold((int)(Int128)Value(section, "feature", Index, path), (float)(double)Value(section, "below", Number, path));
        }

        JobEntry? entry = section.Find("branches");
        if (entry?.Value is not JobList branches || branches.Items.Length != rule.Branches)
        {
            string found = entry?.Value is JobList list ? FormattableString.Invariant($"a list of {list.Items.Length}") : entry?.Value.Found ?? "missing";
            throw DistNetException.BadInput($"{entry?.Value.Place ?? section.Place}: {path}.branches is {found}; expected a list of {rule.Branches} models.");
        }

        return new Select(rule, [.. branches.Items.Select((item, i) => ModelType.Read(item, FormattableString.Invariant($"{path}.branches.{i}")))]);
    }

    public static void Write(Utf8JsonWriter writer, Select select, ModelType models)
    {
        writer.WriteStartObject();
        if (select.Rule is ThresholdRule threshold)
        {
            writer.WriteNumber("feature", threshold.Feature);
            writer.WriteNumber("below", threshold.Below);
        }
        else if (select.Rule is ArgMaxRule argMax)
        {
            writer.WriteStartObject("argMax");
            writer.WriteNumber("first", argMax.First);
            writer.WriteNumber("count", argMax.Branches);
            writer.WriteEndObject();
        }

        writer.WriteStartArray("branches");
        foreach (ModelDefinition branch in select.Branches)
        {
            models.Write(writer, branch);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static JobSection Section(JobValue value, string path, string expected) => value as JobSection
        ?? throw DistNetException.BadInput($"{value.Place}: {path} is {value.Found}; expected {expected}.");

    private static void RefuseUnknown(JobSection section, string path, string[] known)
    {
        foreach (JobEntry entry in section.Entries)
        {
            if (!known.Contains(entry.Name))
            {
                throw DistNetException.BadInput($"{entry.Place}: unknown key {path}.{entry.Name}; the nearest known key is {path}.{NearestName.Closest(entry.Name, known)}.");
            }
        }
    }

    private static object Value(JobSection section, string key, JobValueType type, string path)
    {
        JobEntry? entry = section.Find(key);
        return entry is not null && type.TryRead(entry.Value, out object? value)
            ? value!
            : throw DistNetException.BadInput($"{entry?.Value.Place ?? section.Place}: {path}.{key} is {entry?.Value.Found ?? "missing"}; expected {type.Expected}.");
    }
}
