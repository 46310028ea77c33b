using System.Collections.Immutable;
using System.Text.Json;
using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Jobs;

/// <summary>One module as a job file says it.</summary>
/// <param name="Place">Where it was written.</param>
/// <param name="Module">The module; null for a node that shares another's.</param>
/// <param name="Shares">The node whose parameters it shares.</param>
/// <param name="Name">Its name, where one was given.</param>
/// <param name="Inputs">The nodes it takes from; empty in a chain.</param>
/// <param name="Frozen">Whether its parameters stay as they start.</param>
internal sealed record ModuleText(JobPlace Place, Module? Module, string? Shares, string? Name, ImmutableArray<string> Inputs, bool Frozen = false);

/// <summary>Reads and writes one module: <c>relu</c>, <c>{ linear: 128, bias: false }</c>, <c>{ select: … }</c>, <c>{ shares: fc1 }</c>.</summary>
internal static class ModuleReader
{
    public const string SelectWord = "select";
    public const string SharesWord = "shares";
    public const string FrozenWord = "frozen";
    public const string BlockWord = "block";
    private const string RepeatWord = "repeat";
    private static readonly IntegerType Repeats = new(1, ModelType.MaximumModules);
    private static readonly Dictionary<string, ModuleKind> KindByWord = ModuleKind.All.ToDictionary(kind => kind.Word);

    public static IEnumerable<string> Words => [.. KindByWord.Keys, SelectWord, BlockWord, SharesWord];

    public static ModuleText Read(JobValue value, string path, bool inGraph)
    {
        JobSection section = value switch
        {
            JobSection given => given,
            JobScalar { IsNull: false } scalar => new JobSection(scalar.Place, [new JobEntry(scalar.Text, scalar.Place, new JobScalar(scalar.Place, "", quoted: false))]),
            _ => throw DistNetException.BadInput($"{value.Place}: {path} is {value.Found}; expected a module such as relu or {{ linear: 128 }}."),
        };
        List<JobEntry> kinds = [.. section.Entries.Where(entry => Words.Contains(entry.Name))];
        if (kinds.Count != 1)
        {
            throw kinds.Count > 1
                ? DistNetException.BadInput($"{kinds[1].Place}: {path} names two modules, {kinds[0].Name} and {kinds[1].Name}; expected one.")
                : section.Entries.IsEmpty
                    ? DistNetException.BadInput($"{section.Place}: {path} is empty; expected a module such as relu or {{ linear: 128 }}.")
                    : Unknown(section, path, inGraph);
        }

        JobEntry kind = kinds[0];
        ImmutableArray<string> options = KindByWord.TryGetValue(kind.Name, out ModuleKind? known) ? [.. known.Options.Select(option => option.Name)]
            : kind.Name == BlockWord ? [RepeatWord] : [];
        RefuseUnknown(section, kind, options, path, inGraph);
        string? name = section.Find("name") is { } named ? Text(named, $"{path}.name", "a name") : null;
        ImmutableArray<string> inputs = inGraph ? ReadInputs(section, path) : [];
        if (kind.Name == SharesWord)
        {
            return new ModuleText(kind.Place, null, Text(kind, $"{path}.{SharesWord}", "the name of a node"), name, inputs);
        }

        Module module = kind.Name == BlockWord ? ReadBlock(section, kind.Value, path)
            : known is null ? SelectReader.Read(kind.Value, $"{path}.{SelectWord}") : Create(known, ReadOptions(section, kind, known, path), kind.Place, path);
        return new ModuleText(kind.Place, module, null, name, inputs, ReadFrozen(section, path));
    }

    public static void Write(Utf8JsonWriter writer, NodeDefinition node, ModelType models)
    {
        if (node.Frozen)
        {
            writer.WriteBoolean(FrozenWord, true);
        }

        if (node.Shares is not null)
        {
            writer.WriteString(SharesWord, node.Shares);
        }
        else if (node.Module is Select select)
        {
            writer.WritePropertyName(SelectWord);
            SelectReader.Write(writer, select, models);
        }
        else if (!KindByWord.TryGetValue(node.Module.Kind, out ModuleKind? kind) || kind.Options.IsEmpty)
        {
            writer.WriteNull(node.Module.Kind);
        }
        else
        {
            if (kind.Options.All(option => option.Name != kind.Word))
            {
                writer.WriteNull(kind.Word);
            }

            ImmutableArray<object?> values = kind.Describe(node.Module);
            for (int i = 0; i < values.Length; i++)
            {
                writer.WritePropertyName(kind.Options[i].Name);
                kind.Options[i].Type.Write(writer, values[i]);
            }
        }
    }

    // A model in place, or one that NamedBlocks has put there.
    private static Block ReadBlock(JobSection section, JobValue value, string path)
    {
        Block block = value switch
        {
            JobBlock named => new Block(ModelType.Read(named.Model, $"{path}.{named.Name}"), named.Name),
            JobScalar { IsNull: false } name => throw DistNetException.BadInput($"{name.Place}: {path}.{BlockWord} is {name.Found}, but there is no such block; expected a name under blocks, or a model."),
            _ => new Block(ModelType.Read(value, $"{path}.{BlockWord}")),
        };
        if (section.Find(RepeatWord) is not { } repeat)
        {
            return block;
        }

        if (!Repeats.TryRead(repeat.Value, out object? count))
        {
            throw DistNetException.BadInput($"{repeat.Value.Place}: {path}.{RepeatWord} is {repeat.Value.Found}; expected {Repeats.Expected}.");
        }

        ModelType.CheckSize((int)(Int128)count! * ModelType.CountModules(block.Model), repeat.Value.Place, path);
        return new Block(Block.Sequential([.. Enumerable.Repeat(block, (int)(Int128)count)]).Model, block.ShortName);
    }

    // A residual is no module: a chain reads it before it reads modules.
    private static DistNetException Unknown(JobSection section, string path, bool inGraph)
    {
        if (section.Entries.FirstOrDefault(entry => entry.Name is ModelType.ResidualWord or ModelType.ShortcutWord) is { } residual)
        {
            return DistNetException.BadInput(
                $"{residual.Place}: unknown module '{residual.Name}' in {path}; a residual is a section in a chain, {{ {ModelType.ResidualWord}: [ … ], {ModelType.ShortcutWord}: [ … ] }}; in a graph write add with from: [a, b], or a block.");
        }

        JobEntry entry = section.Entries[0];
        IEnumerable<string> known = inGraph ? Words : [.. Words, ModelType.ResidualWord];
        return DistNetException.BadInput($"{entry.Place}: unknown module '{entry.Name}' in {path}; the nearest known module is {NearestName.Closest(entry.Name, known)}.");
    }

    private static void RefuseUnknown(JobSection section, JobEntry kind, ImmutableArray<string> options, string path, bool inGraph)
    {
        List<string> known = [kind.Name, .. options, inGraph ? "from" : "name"];
        if (kind.Name is not (SharesWord or SelectWord))
        {
            known.Add(FrozenWord);
        }

        foreach (JobEntry entry in section.Entries)
        {
            if (!known.Contains(entry.Name))
            {
                throw DistNetException.BadInput(
                    $"{entry.Place}: unknown key {path}.{entry.Name}; the nearest known key of a {kind.Name} is {NearestName.Closest(entry.Name, known)}.");
            }
        }
    }

    private static ImmutableArray<object?> ReadOptions(JobSection section, JobEntry kind, ModuleKind known, string path)
    {
        if (kind.Value is not JobScalar { IsNull: true } && known.Options.All(option => option.Name != kind.Name))
        {
            throw DistNetException.BadInput($"{kind.Value.Place}: {path}.{kind.Name} is {kind.Value.Found}; expected nothing, as {kind.Name} takes no value.");
        }

        var values = ImmutableArray.CreateBuilder<object?>();
        foreach (ModuleOption option in known.Options)
        {
            JobEntry? entry = section.Find(option.Name);
            if (!option.Required && entry?.Value is null or JobScalar { IsNull: true })
            {
                values.Add(option.DefaultOf is { } other ? values[known.Options.IndexOf(known.Options.First(earlier => earlier.Name == other))] : option.Default);
            }
            else
            {
                values.Add(entry is not null && option.Type.TryRead(entry.Value, out object? value)
                    ? value
                    : throw DistNetException.BadInput(
                        $"{entry?.Value.Place ?? section.Place}: {path}.{option.Name} is {entry?.Value.Found ?? "missing"}; expected {option.Type.Expected}."));
            }
        }

        return values.ToImmutable();
    }

    // What a module's constructor refuses is said with the place.
    private static Module Create(ModuleKind known, ImmutableArray<object?> values, JobPlace place, string path)
    {
        try
        {
            return known.Create(values);
        }
        catch (DistNetException failure)
        {
            throw DistNetException.BadInput($"{place}: {path} cannot be made: {failure.Message}", failure);
        }
    }

    private static bool ReadFrozen(JobSection section, string path) => section.Find(FrozenWord) is { } entry
        && (WordType.Boolean.TryRead(entry.Value, out object? frozen)
            ? (bool)frozen!
            : throw DistNetException.BadInput($"{entry.Value.Place}: {path}.{FrozenWord} is {entry.Value.Found}; expected {WordType.Boolean.Expected}."));

    private static ImmutableArray<string> ReadInputs(JobSection section, string path)
    {
        JobEntry? from = section.Find("from");
        return from?.Value switch
        {
            JobList { Items.Length: > 0 } list => [.. list.Items.Select(item => Text(new JobEntry("from", item.Place, item), $"{path}.from", "the name of a node"))],
            JobScalar { IsNull: false } scalar => [scalar.Text],
            _ => throw DistNetException.BadInput(
                $"{from?.Value.Place ?? section.Place}: {path}.from is {from?.Value.Found ?? "missing"}; expected the name of a node, or a list of names."),
        };
    }

    public static string Text(JobEntry entry, string path, string expected) => entry.Value is JobScalar { IsNull: false, Text.Length: > 0 } scalar
        ? scalar.Text
        : throw DistNetException.BadInput($"{entry.Value.Place}: {path} is {entry.Value.Found}; expected {expected}.");
}
