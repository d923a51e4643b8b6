# Make the records of conda packages say what an online install would, in an image without Python.
# Arguments: a file with the requirements of the stage, the explicit file, and the records. micromamba writes a field
# per line, sorted, and indented by four blanks. The new records are beside the old ones, with the suffix .new.

function without(text, pattern) { gsub(pattern, "", text); return text }

FNR == 1 { input++ }

input == 1 {
    requirement = $0
    name = without(without(requirement, ".*::"), "^ +|[^A-Za-z0-9_.-].*")
    gsub(/["\\]/, "\\\\&", requirement)
    requested[tolower(name)] = requirement
    next
}

input == 2 {
    if (/^[@#]/) next
    # Credentials in a locked address are variables, which no program expands later.
    address = without($0, "#.*")
    sub(/:\/\/[^\/@]*@/, "://", address)
    gsub(/\/t\/\$[{][A-Za-z0-9_]+[}]\//, "/", address)
    addresses[without(without(address, ".*/"), "[.](conda|tar[.]bz2)$")] = address
    next
}

FNR == 1 {
    record = without(without(FILENAME, ".*/"), "[.]json$")
    name = without(record, "-[^-]*-[^-]*$")
    inside = 0
}

!(record in addresses) { next }

/^    "(extracted_package_dir|package_tarball_full_path|requested_spec)":/ { next }

/^    "link": / { inside = 1 }

inside {
    if (/}/) inside = 0
    next
}

/^    "channel":/ { $0 = "    \"channel\": \"" without(addresses[record], "/[^/]*$") "\"," }

/^    "url":/ { $0 = "    \"url\": \"" addresses[record] "\"" (/,$/ ? "," : "") }

{ print > (FILENAME ".new") }

/^    "name":/ && name in requested { print "    \"requested_spec\": \"" requested[name] "\"," > (FILENAME ".new") }
