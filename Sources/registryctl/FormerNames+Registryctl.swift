import CommandSupport

extension FormerNames {
    /// What registryctl's commands were called before each was a noun and a verb.
    static let registryctl = FormerNames([
        "list-models": "model list",
        "show": "model show",
        "import": "model import",
        "compose": "model compose",
        "versions": "version list",
        "lineage": "version lineage",
        "releases": "release list",
        "publish": "release publish",
        "privacy": "release privacy",
        "rollback": "channel rollback",
        "devices": "device",
        "devices classes": "device-class list",
        "devices define-class": "device-class define",
        "updates": "update",
        // These two listed where no verb was given.
        "rounds": "round list",
        "rounds list": "round list",
        "rounds run": "round run",
        "rounds replay": "round replay",
        "rounds help": "round help",
        "rounds --help": "round --help",
        "rounds -h": "round --help",
        "regions": "region list",
        "regions list": "region list",
        "regions hand-overs": "region hand-overs",
        "regions help": "region help",
        "regions --help": "region --help",
        "regions -h": "region --help",
    ])
}
