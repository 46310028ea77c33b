using System.Collections.Immutable;

namespace DistNet.Jobs;

/// <summary>A block's model, put where the block is used.</summary>
/// <param name="name">The block's name.</param>
/// <param name="model">Its model, the parameters' values in place.</param>
/// <param name="place">Where it is used.</param>
internal sealed class JobBlock(string name, JobValue model, JobPlace place) : JobValue(place)
{
    public string Name { get; } = name;

    public JobValue Model { get; } = model;

    public override string Found => $"the block {Name}";
}

/// <summary>The <c>blocks</c> of a job file: models with a name and parameters. Works on the tree as written, before any key is understood: <c>{ block: residual, channels: 64 }</c> in
/// the model becomes the block's model with 64 for every <c>$channels</c>.</summary>
internal sealed class NamedBlocks
{
    public const string SectionName = "blocks";
    public const string ParametersKey = "parameters";
    public const string ModelKey = "model";

    // Far more than the modules of a model say.
    private const int MaximumValues = 20 * ModelType.MaximumModules;
    private const int MaximumDepth = 64;
    private const char Mark = '$';
    private static readonly ImmutableArray<string> OwnKeys = [ModuleReader.BlockWord, "name", "from", "repeat", ModuleReader.FrozenWord];

    private readonly Dictionary<string, (ImmutableArray<JobEntry> Parameters, JobValue Model)> blocks = [];
    private readonly HashSet<string> used = [];
    private int placedValues;

    private NamedBlocks(JobSection section)
    {
        foreach (JobEntry entry in section.Entries)
        {
            blocks[entry.Name] = Read(entry);
        }
    }

    /// <summary>The job without <c>blocks</c>, and with their models in its model.</summary>
    /// <param name="root">The job as written.</param>
    /// <param name="checkUsed">Refuses a block or a parameter that no model uses: for when the model was read, whose own sentence may tell of the slip that left it unused.</param>
    /// <exception cref="DistNetException">A block is wrong, has no such parameter, lacks a value or uses itself, or blocks of blocks make too much.</exception>
    public static JobSection PutIn(JobSection root, out Action checkUsed)
    {
        if (root.Find(SectionName) is not { } entry)
        {
            checkUsed = () => { };
            return root;
        }

        JobSection section = entry.Value as JobSection
            ?? throw DistNetException.BadInput($"{entry.Value.Place}: {SectionName} is {entry.Value.Found}; expected a section with a key for each block.");
        var named = new NamedBlocks(section);
        checkUsed = () => named.CheckUsed(section);
        return new JobSection(
            root.Place,
            [.. root.Entries.Where(other => other != entry).Select(other => other.Name == ModelKey ? other with { Value = named.Placed(other.Value, ModelKey, []) } : other)]);
    }

    private static (ImmutableArray<JobEntry> Parameters, JobValue Model) Read(JobEntry block)
    {
        string path = $"{SectionName}.{block.Name}";
        if (block.Value is not JobSection section)
        {
            throw DistNetException.BadInput($"{block.Value.Place}: {path} is {block.Value.Found}; expected a section with {ModelKey}, and {ParametersKey} where it has any.");
        }

        if (section.Entries.FirstOrDefault(entry => entry.Name is not (ParametersKey or ModelKey)) is { } unknown)
        {
            throw DistNetException.BadInput($"{unknown.Place}: unknown key {path}.{unknown.Name}; the nearest known key is {path}.{NearestName.Closest(unknown.Name, [ParametersKey, ModelKey])}.");
        }

        ImmutableArray<JobEntry> parameters = section.Find(ParametersKey)?.Value switch
        {
            null or JobScalar { IsNull: true } => [],
            JobSection given => given.Entries,
            var other => throw DistNetException.BadInput($"{other.Place}: {path}.{ParametersKey} is {other.Found}; expected a section with a key for each parameter, and its default."),
        };
        if (parameters.FirstOrDefault(parameter => OwnKeys.Contains(parameter.Name)) is { } taken)
        {
            throw DistNetException.BadInput($"{taken.Place}: {path}.{ParametersKey} has '{taken.Name}', a key of every block; expected another name.");
        }

        return section.Find(ModelKey) is { } model
            ? (parameters, model.Value)
            : throw DistNetException.BadInput($"{section.Place}: {path}.{ModelKey} is missing; expected {new ModelType().Expected}.");
    }

    // What is not used is not read, and would do nothing.
    private void CheckUsed(JobSection section)
    {
        foreach (JobEntry block in section.Entries)
        {
            if (!used.Contains(block.Name))
            {
                throw DistNetException.BadInput($"{block.Place}: {SectionName}.{block.Name} is used nowhere in the model; expected {{ {ModuleReader.BlockWord}: {block.Name} }} there, or no such block.");
            }

            (ImmutableArray<JobEntry> parameters, JobValue model) = blocks[block.Name];
            if (parameters.FirstOrDefault(parameter => !Mentions(model, Mark + parameter.Name)) is { } idle)
            {
                throw DistNetException.BadInput(
                    $"{idle.Place}: {SectionName}.{block.Name}.{ParametersKey}.{idle.Name} is used nowhere; expected {Mark}{idle.Name} in {SectionName}.{block.Name}.{ModelKey}, or no such parameter.");
            }
        }
    }

    private static bool Mentions(JobValue value, string text) => value switch
    {
        JobList list => list.Items.Any(item => Mentions(item, text)),
        JobSection section => section.Entries.Any(entry => Mentions(entry.Value, text)),
        JobScalar scalar => scalar.Text == text,
        _ => false,
    };

    // A value with every use of a block replaced; the blocks around it are those that it lies in.
    private JobValue Placed(JobValue value, string path, ImmutableArray<string> around)
    {
        if (++placedValues > MaximumValues)
        {
            throw DistNetException.BadInput(FormattableString.Invariant($"{value.Place}: the model has more than {MaximumValues:N0} values with its blocks put in; expected fewer, or blocks that use fewer others."));
        }

        switch (value)
        {
            case JobList list:
                return new JobList(list.Place, [.. list.Items.Select((item, index) => Placed(item, FormattableString.Invariant($"{path}.{index}"), around))]);
            case JobSection section when section.Find(ModuleReader.BlockWord)?.Value is JobScalar { IsNull: false } name:
                JobEntry use = section.Find(ModuleReader.BlockWord)!;
                ImmutableArray<JobEntry> own = [.. section.Entries.Where(entry => OwnKeys.Contains(entry.Name) && entry != use)];
                return new JobSection(section.Place, [use with { Value = ModelOf(section, name, path, around) }, .. own]);
            case JobSection section:
                return new JobSection(section.Place, [.. section.Entries.Select(entry => entry with { Value = Placed(entry.Value, $"{path}.{entry.Name}", around) })]);
            default:
                return value;
        }
    }

    private JobBlock ModelOf(JobSection use, JobScalar name, string path, ImmutableArray<string> around)
    {
        if (!blocks.TryGetValue(name.Text, out (ImmutableArray<JobEntry> Parameters, JobValue Model) block))
        {
            throw DistNetException.BadInput($"{name.Place}: {path}.{ModuleReader.BlockWord} is {name.Found}, which is no block; the nearest is '{NearestName.Closest(name.Text, blocks.Keys)}'.");
        }

        if (around.Contains(name.Text))
        {
            throw DistNetException.BadInput($"{name.Place}: the block '{name.Text}' uses itself ({string.Join(" → ", around.SkipWhile(other => other != name.Text))} → {name.Text}).");
        }

        if (around.Length == MaximumDepth)
        {
            throw DistNetException.BadInput(FormattableString.Invariant($"{name.Place}: the block '{name.Text}' lies in {MaximumDepth} others; expected at most {MaximumDepth - 1}."));
        }

        used.Add(name.Text);
        foreach (JobEntry given in use.Entries.Where(entry => !OwnKeys.Contains(entry.Name)))
        {
            if (block.Parameters.All(parameter => parameter.Name != given.Name))
            {
                string nearest = NearestName.Closest(given.Name, [.. block.Parameters.Select(parameter => parameter.Name), .. OwnKeys])!;
                throw DistNetException.BadInput($"{given.Place}: unknown key {path}.{given.Name}; the nearest known key of the block {name.Text} is {nearest}.");
            }
        }

        Dictionary<string, JobValue> values = [];
        foreach (JobEntry parameter in block.Parameters)
        {
            JobValue value = use.Find(parameter.Name)?.Value ?? parameter.Value;
            values[parameter.Name] = value is JobScalar { IsNull: true }
                ? throw DistNetException.BadInput($"{use.Place}: {path}.{parameter.Name} is missing; the block {name.Text} has no default for it.")
                : value;
        }

        return new JobBlock(name.Text, Placed(Filled(block.Model, name.Text, values), $"{path}.{name.Text}", around.Add(name.Text)), use.Place);
    }

    private static JobValue Filled(JobValue value, string block, Dictionary<string, JobValue> values) => value switch
    {
        JobList list => new JobList(list.Place, [.. list.Items.Select(item => Filled(item, block, values))]),
        JobSection section => new JobSection(section.Place, [.. section.Entries.Select(entry => entry with { Value = Filled(entry.Value, block, values) })]),
        JobScalar { Text: [Mark, .. var name] } scalar => values.TryGetValue(name, out JobValue? given)
            ? given
            : throw DistNetException.BadInput($"{scalar.Place}: the block '{block}' uses '{scalar.Text}', but has {(values.Count == 0 ? "no parameters" : $"the parameters {string.Join(", ", values.Keys)}")}."),
        _ => value,
    };
}
